"""The error tree: whose fault an error is, and whether a retry can succeed.

    CallvaultError
    ├── CallerError              the caller's fault: unless marked `retry`, the same request fails again
    │   ├── InvalidRequest         400, names each invalid field and its fix
    │   ├── LengthRequired         411, no Content-Length: the Functions host drops the body
    │   ├── BodyTooLarge           413, names the limit
    │   ├── SignInRequired         401, the platform names no caller
    │   ├── ForeignPage            403, the request comes from a page of another site
    │   ├── RoleRequired           403, signed in, without the app role of the operation
    │   ├── CallbackRefused        401, a callback without a valid token or signature
    │   ├── CallbacksOff           403, callbacks aren't set up
    │   ├── CallbacksThrottled     429, too many unreadable callbacks
    │   ├── ParticipantsOff        403, PARTICIPANTS_SECRET isn't set
    │   ├── ConsentRequired        403, this deployment requires consent to record
    │   ├── NotFound               404
    │   │   └── CallOver             404, the call has ended
    │   ├── Conflict               409
    │   │   ├── AlreadyRecording     409, a recording of this kind is running in the call
    │   │   └── ConflictForNow       409, retry: another operation is in progress
    │   │       └── CallNotReady       409, retry: the call isn't established yet
    │   ├── NotArchived            409, the file isn't in the archive yet
    │   ├── ArchivedFileGone       410, someone removed the file or made it unreadable
    │   ├── ArchivedFileExpired    410, the archive's lifecycle rule deleted the file
    │   ├── RequestInProgress      409, retry: the first request is still running
    │   └── KeyReused              422, an Idempotency-Key reused with another body
    ├── SourceError              ACS's fault, or its media store's
    │   ├── SourceThrottled        retry, honouring Retry-After
    │   ├── SourceUnavailable      retry: 503, reset, timeout
    │   │   ├── SourceFailing        retry: 500, 502 and other 5xx
    │   │   └── SourceTimedOut       retry: 504
    │   ├── SourceSlow             retry: the attempt ran out of time; its staged blocks are kept
    │   ├── SourceGarbled          retry: HTML or another response that can't be parsed
    │   ├── SourceIncomplete       retry: truncated, empty, or not a valid file
    │   │   └── SourceUnproven     retry: complete, but not a valid file
    │   ├── SourceUnauthorized     retry: the credential may have expired
    │   ├── SourceGone             retry for hours, then the chunk is lost
    │   ├── MetadataMissing        retry: the media are archived, the metadata is missing
    │   ├── SourceRefused          permanent: any other refusal
    │   │   ├── ApplicationForbidden 403, the credential is valid but lacks a permission
    │   │   ├── CallNotRecordable    403, a Teams call that this resource can't record
    │   │   └── NotSupported         501
    │   └── SourceNotAllowed       permanent: a host that must never receive Callvault's credentials
    ├── DestinationError         the customer's storage: retry, whatever the status
    │   ├── DestinationUnavailable busy, 5xx, connection reset, or a missing table
    │   ├── DestinationForbidden   roles take minutes to take effect, and operators fix them
    │   └── DestinationConflict    permanent: another file has the name of this one
    ├── ArchiveError             the answer to a caller that waits for files; a 4xx ends the wait at once
    │   ├── ChunkFailed            409, retry: the sweep retries it, and an operator can replay it
    │   ├── ChunkLost              410, permanent
    │   ├── ChunkRemoved           410, someone removed its file from the archive
    │   ├── NothingRecorded        409, permanent: ACS couldn't start the recording
    │   └── FilesOverdue           409, retry: the recording ended, ACS hasn't reported its files
    ├── TopicUnavailable         the customer's announcement topic: retry, busy or unreachable
    │   └── TopicRefused           retry: identity or event refused; operators fix it
    └── OurError
        ├── SettingsError          at start only
        ├── InvalidJob             a queue message that isn't a job
        ├── Unforeseen               retry: a defect in Callvault; see the log
        ├── UnreadableRow          a catalogue row of another version: don't change it
        ├── NewerSchema              retry: 503, a newer version of the app changed the data: don't use it
        ├── Interrupted              retry: 503, the host interrupted the request
        └── LeaseLost              another worker owns the chunk: don't change it

Gateways raise only these errors, never an SDK's. `str(error)` may be shown to a caller: it contains no secret and no
query string. Logs contain only the reason.
"""

from shared.errors.base import CallvaultError, Fault
from shared.errors.caller import (
    AlreadyRecording,
    ArchivedFileExpired,
    ArchivedFileGone,
    BodyTooLarge,
    CallbackRefused,
    CallbacksOff,
    CallbacksThrottled,
    CallerError,
    CallNotReady,
    CallOver,
    Conflict,
    ConflictForNow,
    ConsentRequired,
    FieldError,
    ForeignPage,
    InvalidRequest,
    KeyReused,
    LengthRequired,
    NotArchived,
    NotFound,
    ParticipantsOff,
    RequestInProgress,
    RoleRequired,
    SignInRequired,
)
from shared.errors.destination import (
    DestinationConflict,
    DestinationError,
    DestinationForbidden,
    DestinationUnavailable,
    TopicRefused,
    TopicUnavailable,
)
from shared.errors.ours import (
    Interrupted,
    InvalidJob,
    LeaseLost,
    NewerSchema,
    OurError,
    SettingsError,
    Unforeseen,
    UnreadableRow,
)
from shared.errors.source import (
    ApplicationForbidden,
    CallNotRecordable,
    MetadataMissing,
    NotSupported,
    SourceError,
    SourceFailing,
    SourceGarbled,
    SourceGone,
    SourceIncomplete,
    SourceNotAllowed,
    SourceRefused,
    SourceSlow,
    SourceThrottled,
    SourceTimedOut,
    SourceUnauthorized,
    SourceUnavailable,
    SourceUnproven,
)
from shared.errors.waiting import ArchiveError, ChunkFailed, ChunkLost, ChunkRemoved, FilesOverdue, NothingRecorded

__all__ = [
    "AlreadyRecording",
    "ApplicationForbidden",
    "ArchiveError",
    "ArchivedFileExpired",
    "ArchivedFileGone",
    "BodyTooLarge",
    "CallNotReady",
    "CallNotRecordable",
    "CallOver",
    "CallbackRefused",
    "CallbacksOff",
    "CallbacksThrottled",
    "CallerError",
    "CallvaultError",
    "ChunkFailed",
    "ChunkLost",
    "ChunkRemoved",
    "Conflict",
    "ConflictForNow",
    "ConsentRequired",
    "DestinationConflict",
    "DestinationError",
    "DestinationForbidden",
    "DestinationUnavailable",
    "Fault",
    "FieldError",
    "FilesOverdue",
    "ForeignPage",
    "Interrupted",
    "InvalidJob",
    "InvalidRequest",
    "KeyReused",
    "LeaseLost",
    "LengthRequired",
    "MetadataMissing",
    "NewerSchema",
    "NotArchived",
    "NotFound",
    "NotSupported",
    "NothingRecorded",
    "OurError",
    "ParticipantsOff",
    "RequestInProgress",
    "RoleRequired",
    "SettingsError",
    "SignInRequired",
    "SourceError",
    "SourceFailing",
    "SourceGarbled",
    "SourceGone",
    "SourceIncomplete",
    "SourceNotAllowed",
    "SourceRefused",
    "SourceSlow",
    "SourceThrottled",
    "SourceTimedOut",
    "SourceUnauthorized",
    "SourceUnavailable",
    "SourceUnproven",
    "TopicRefused",
    "TopicUnavailable",
    "Unforeseen",
    "UnreadableRow",
]
