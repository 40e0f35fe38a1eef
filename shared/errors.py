"""The error tree: whose fault it is, and whether trying again can mend it.

    CallvaultError
    ├── CallerError              the caller's: the same request fails again
    │   ├── InvalidRequest         400, names each field and its mend
    │   ├── SignInRequired         401, nobody whom the platform vouches for
    │   ├── ForeignPage            403, a page of another site acts in its visitor's name
    │   ├── CallbackRefused        401, a callback without a good token
    │   ├── CallbacksOff           403, callbacks aren't set up
    │   ├── ConsentRequired        403, the deployment records nobody without
    │   ├── NotFound               404
    │   ├── Conflict               409
    │   ├── NotArchived            409, the file isn't in the archive yet
    │   ├── ArchivedFileGone       410, it was, and somebody took it away
    │   ├── RequestInProgress      409, come back shortly
    │   └── KeyReused              422, an Idempotency-Key with another body
    ├── SourceError              ACS's, or its media store's
    │   ├── SourceThrottled        retry, honouring Retry-After
    │   ├── SourceUnavailable      retry: 5xx, reset, timeout
    │   ├── SourceGarbled          retry: HTML or nonsense where an answer should be
    │   ├── SourceIncomplete       retry: short, empty, or not what it claims to be
    │   ├── SourceUnauthorized     retry: a credential may be stale
    │   ├── SourceGone             retry a few times; then the chunk is lost
    │   ├── MetadataMissing        retry: the media are safe, their metadata aren't there
    │   ├── SourceRefused          permanent: any other refusal
    │   └── SourceNotAllowed       permanent: a host that must never see our credentials
    ├── DestinationError         the customer's storage: retry, whatever it answered
    │   ├── DestinationUnavailable busy, 5xx, reset, or a table that is missing
    │   ├── DestinationForbidden   roles take minutes to spread, and people mend them
    │   └── DestinationConflict    permanent: another file stands where ours belongs
    ├── ArchiveError             told to who waits for a recording's files; a 4xx, so that the wait ends at once
    │   ├── ChunkFailed            409, may mend: the sweep tries again, and a person can
    │   ├── ChunkLost              410, won't mend
    │   ├── NothingRecorded        409, won't mend: ACS could not carry the start out
    │   └── FilesOverdue           409, may mend: the recording ended, and its files aren't announced
    ├── TopicUnavailable         the customer's topic for announcements: retry, it is busy or can't be reached
    │   └── TopicRefused           retry: our identity, or what we sent; people mend it
    └── OurError
        ├── SettingsError          at start only
        ├── InvalidJob             a message that is no job
        ├── Unforeseen               retry: a defect of ours; the log has it
        └── LeaseLost              another worker owns the chunk now: leave it alone

A gateway raises these and nothing of a vendor's. `str(error)` is fit for a caller: it holds no secret and no query
string. Logs take the reason alone.
"""

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """Whose fault an error is."""

    CALLER = "caller"
    SOURCE = "source"
    DESTINATION = "destination"
    OURS = "ours"


class CallvaultError(Exception):
    """Root of the tree. `reason` is a stable slug for logs, states and problem types."""

    fault: Fault = Fault.OURS
    retry: bool = False
    status: int = 500
    reason: str = "internal-error"
    title: str = "Something failed on our side"

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        """`retry_after`: seconds that the failing side asked us to wait, when it did."""
        super().__init__(detail)
        self.retry_after = retry_after


class CallerError(CallvaultError):
    fault = Fault.CALLER
    status = 400
    reason = "invalid-request"
    title = "The request cannot be carried out"


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """One thing wrong with a request: the field's path, what is wrong and how to mend it."""

    field: str
    detail: str


class InvalidRequest(CallerError):
    title = "The request is not valid"

    def __init__(self, detail: str, fields: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.fields = fields

    @classmethod
    def of(cls, field: str, detail: str) -> "InvalidRequest":
        return cls(f"{field}: {detail}", (FieldError(field=field, detail=detail),))


class SignInRequired(CallerError):
    status = 401
    reason = "sign-in-required"
    title = "The caller has not signed in"


class ForeignPage(CallerError):
    status = 403
    reason = "foreign-page"
    title = "A page of another site may not act for who is signed in"


class CallbackRefused(CallerError):
    status = 401
    reason = "callback-unauthorized"
    title = "The callback carries no good token of Azure Communication Services"


class CallbacksOff(CallerError):
    status = 403
    reason = "callbacks-off"
    title = "This app takes no callbacks"


class ConsentRequired(CallerError):
    status = 403
    reason = "consent-required"
    title = "Nobody is recorded here without consent"


class NotFound(CallerError):
    status = 404
    reason = "not-found"
    title = "There is no such thing"


class Conflict(CallerError):
    status = 409
    reason = "conflict"
    title = "The state of the call or recording forbids it"


class NotArchived(CallerError):
    status = 409
    reason = "not-archived"
    title = "The file is not in the archive"
    retry = True


class ArchivedFileGone(CallerError):
    status = 410
    fault = Fault.DESTINATION
    reason = "archived-file-gone"
    title = "The file is no longer in the archive, or can't be read there"


class RequestInProgress(CallerError):
    status = 409
    reason = "request-in-progress"
    title = "The same request is still being carried out"
    retry = True


class KeyReused(CallerError):
    status = 422
    reason = "idempotency-key-reused"
    title = "This Idempotency-Key was used for another request"


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


class SourceGarbled(SourceError):
    retry = True
    reason = "acs-garbled"
    title = "Azure Communication Services gave an answer that makes no sense"


class SourceIncomplete(SourceError):
    retry = True
    reason = "source-incomplete"
    title = "The source did not give the whole file"


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


class SourceNotAllowed(SourceError):
    reason = "source-not-allowed"
    title = "The source's host is not one that may see our credentials"


class DestinationError(CallvaultError):
    """Retried unless it says otherwise: storage is the customer's own, and what is wrong with it can be mended."""

    fault = Fault.DESTINATION
    retry = True
    status = 503
    reason = "storage-failed"
    title = "The storage account failed"


class DestinationUnavailable(DestinationError):
    reason = "storage-unavailable"
    title = "The storage account cannot be reached or is busy"


class DestinationForbidden(DestinationError):
    reason = "storage-forbidden"
    title = "The storage account refused our identity"


class DestinationConflict(DestinationError):
    retry = False
    status = 409
    reason = "storage-conflict"
    title = "Another file stands where ours belongs"


class ArchiveError(CallvaultError):
    """No fault of the caller's, but a 4xx all the same: clients take a 5xx for a reason to go on waiting."""

    status = 409
    fault = Fault.SOURCE

    def __init__(self, detail: str, fault: Fault = Fault.SOURCE) -> None:
        """`fault`: whose it is that the recording isn't whole."""
        super().__init__(detail)
        self.fault = fault


class ChunkFailed(ArchiveError):
    retry = True
    reason = "chunk-failed"
    title = "A chunk of the recording could not be archived"


class ChunkLost(ArchiveError):
    status = 410
    reason = "chunk-lost"
    title = "A chunk of the recording is lost"


class NothingRecorded(ArchiveError):
    reason = "nothing-recorded"
    title = "Azure Communication Services could not start the recording"


class FilesOverdue(ArchiveError):
    retry = True
    reason = "files-overdue"
    title = "Azure Communication Services has not announced the recording's files"


class TopicUnavailable(CallvaultError):
    fault = Fault.DESTINATION
    retry = True
    status = 503
    reason = "topic-unavailable"
    title = "The topic for announcements cannot be reached or is busy"


class TopicRefused(TopicUnavailable):
    reason = "topic-refused"
    title = "The topic for announcements refused us"


class OurError(CallvaultError):
    fault = Fault.OURS


class SettingsError(OurError):
    reason = "settings"
    title = "The app settings are wrong"

    def __init__(self, detail: str, findings: tuple[str, ...] = ()) -> None:
        super().__init__(detail)
        self.findings = findings


class InvalidJob(OurError):
    reason = "invalid-job"
    title = "A queue message is no job of ours"


class Unforeseen(OurError):
    retry = True
    reason = "unforeseen"
    title = "Something failed that we did not foresee"


class LeaseLost(OurError):
    reason = "lease-lost"
    title = "Another worker owns the chunk"
