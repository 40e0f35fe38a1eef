"""ACS's, or its media store's."""

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
    title = "Azure Communication Services asks to slow down"


class SourceUnavailable(SourceError):
    retry = True
    status = 503
    reason = "acs-unavailable"
    title = "Azure Communication Services cannot be reached or is failing"


class SourceSlow(SourceError):
    retry = True
    status = 504
    reason = "source-slow"
    title = "The source sends too slowly"


class SourceGarbled(SourceError):
    retry = True
    reason = "acs-garbled"
    title = "Azure Communication Services gave an answer that makes no sense"


class SourceIncomplete(SourceError):
    retry = True
    reason = "source-incomplete"
    title = "The source did not give the whole file"


class SourceUnproven(SourceIncomplete):
    """The bytes are complete but not a valid media file: no index, wrong lengths, or an error page."""

    reason = "source-unproven"
    title = "The source's file is not what it claims to be"


class SourceUnauthorized(SourceError):
    retry = True
    reason = "acs-credential-refused"
    title = "Azure Communication Services refused our credential"


class SourceGone(SourceError):
    retry = True
    status = 404
    reason = "source-gone"
    title = "The source is not there"


class MetadataMissing(SourceError):
    retry = True
    reason = "metadata-missing"
    title = "The media are archived, their metadata are not there"


class SourceRefused(SourceError):
    reason = "acs-refused"
    title = "Azure Communication Services refused the request"


class SourceFailing(SourceUnavailable):
    """ACS answered, and its answer says that something behind it failed."""

    status = 502


class SourceTimedOut(SourceUnavailable):
    status = 504


class ApplicationForbidden(SourceRefused):
    """The credential is valid, but its application lacks a permission."""

    status = 403
    reason = "acs-forbidden"
    title = "Azure Communication Services does not permit this to the application"


class CallNotRecordable(SourceRefused):
    status = 403
    reason = "call-not-recordable"
    title = "This call can't be recorded by this resource"


class NotSupported(SourceRefused):
    status = 501
    reason = "acs-not-supported"
    title = "Azure Communication Services does not support the operation"


class SourceNotAllowed(SourceError):
    reason = "source-not-allowed"
    title = "The source's host is not one that may see our credentials"
