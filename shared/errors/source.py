"""Errors of ACS or its media store."""

from shared.errors.base import CallvaultError, Fault


class SourceError(CallvaultError):
    fault = Fault.SOURCE
    status = 502
    reason = "acs-failed"
    title = "Azure Communication Services failed"


class SourceThrottled(SourceError):
    retry = True
    status = 429
    reason = "acs-throttled"
    title = "Azure Communication Services is throttling requests"


class SourceUnavailable(SourceError):
    retry = True
    status = 503
    reason = "acs-unavailable"
    title = "Azure Communication Services is unavailable or failing"


class SourceSlow(SourceError):
    retry = True
    status = 504
    reason = "source-slow"
    title = "The source sends too slowly"


class SourceGarbled(SourceError):
    retry = True
    reason = "acs-garbled"
    title = "Azure Communication Services sent a response that can't be read"


class SourceIncomplete(SourceError):
    retry = True
    reason = "source-incomplete"
    title = "The source didn't send the whole file"


class SourceUnproven(SourceIncomplete):
    """The bytes are complete but not a valid media file: no index, wrong lengths, or an error page."""

    reason = "source-unproven"
    title = "The source's file isn't valid"


class SourceUnauthorized(SourceError):
    retry = True
    reason = "acs-credential-refused"
    title = "Azure Communication Services refused Callvault's credential"


class SourceGone(SourceError):
    retry = True
    status = 404
    reason = "source-gone"
    title = "The source wasn't found"


class MetadataMissing(SourceError):
    retry = True
    reason = "metadata-missing"
    title = "The media are archived, but the metadata wasn't found"


class SourceRefused(SourceError):
    reason = "acs-refused"
    title = "Azure Communication Services refused the request"


class SourceFailing(SourceUnavailable):
    """ACS responded, but a service behind it failed."""

    status = 502


class SourceTimedOut(SourceUnavailable):
    status = 504


class ApplicationForbidden(SourceRefused):
    """The credential is valid, but its application lacks a permission."""

    status = 403
    reason = "acs-forbidden"
    title = "Azure Communication Services doesn't permit this operation"


class CallNotRecordable(SourceRefused):
    status = 403
    reason = "call-not-recordable"
    title = "This ACS resource can't record the call"


class NotSupported(SourceRefused):
    status = 501
    reason = "acs-not-supported"
    title = "Azure Communication Services doesn't support the operation"


class SourceNotAllowed(SourceError):
    reason = "source-not-allowed"
    title = "The source's host isn't allowed to receive Callvault's credentials"
