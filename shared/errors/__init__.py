"""The error tree: whose fault it is, and whether trying again can mend it.

    CallvaultError
    ├── CallerError              the caller's: the same request fails again
    │   ├── InvalidRequest         400, names each field and its mend
    │   ├── LengthRequired         411, a body without Content-Length, which the host drops
    │   ├── BodyTooLarge           413, names the limit
    │   ├── SignInRequired         401, nobody whom the platform vouches for
    │   ├── ForeignPage            403, a page of another site acts in its visitor's name
    │   ├── RoleRequired           403, signed in, without the app role of the operation
    │   ├── CallbackRefused        401, a callback without a valid token or signature
    │   ├── CallbacksOff           403, callbacks aren't set up
    │   ├── CallbacksThrottled     429, too many callbacks that can't be read
    │   ├── ParticipantsOff        403, no secret to key participants' digests with
    │   ├── ConsentRequired        403, the deployment records nobody without
    │   ├── NotFound               404
    │   │   └── CallOver             404, the call has ended
    │   ├── Conflict               409
    │   │   ├── AlreadyRecording     409, the call has a running recording of this kind
    │   │   └── ConflictForNow       409, retry: another operation is under way
    │   │       └── CallNotReady       409, retry: the call is not established yet
    │   ├── NotArchived            409, the file isn't in the archive yet
    │   ├── ArchivedFileGone       410, it was, and somebody removed it or made it unreadable
    │   ├── ArchivedFileExpired    410, it was, and the archive's own rule removed it
    │   ├── RequestInProgress      409, come back shortly
    │   └── KeyReused              422, an Idempotency-Key with another body
    ├── SourceError              ACS's, or its media store's
    │   ├── SourceThrottled        retry, honouring Retry-After
    │   ├── SourceUnavailable      retry: 503, reset, timeout
    │   │   ├── SourceFailing        retry: 500, 502 and such
    │   │   └── SourceTimedOut       retry: 504
    │   ├── SourceSlow             retry: an attempt ran out of time; what it staged is kept
    │   ├── SourceGarbled          retry: HTML or nonsense where an answer should be
    │   ├── SourceIncomplete       retry: short, empty, or not what it claims to be
    │   │   └── SourceUnproven     retry: complete, and not what it claims to be
    │   ├── SourceUnauthorized     retry: a credential may be stale
    │   ├── SourceGone             retry for hours; then the chunk is lost
    │   ├── MetadataMissing        retry: the media are safe, their metadata aren't there
    │   ├── SourceRefused          permanent: any other refusal
    │   │   ├── ApplicationForbidden 403, the credential is valid and lacks a permission
    │   │   ├── CallNotRecordable    403, a Teams call that this resource may not record
    │   │   └── NotSupported         501
    │   └── SourceNotAllowed       permanent: a host that must never see our credentials
    ├── DestinationError         the customer's storage: retry, whatever it answered
    │   ├── DestinationUnavailable busy, 5xx, reset, or a table that is missing
    │   ├── DestinationForbidden   roles take minutes to spread, and people mend them
    │   └── DestinationConflict    permanent: another file stands where ours belongs
    ├── ArchiveError             told to who waits for a recording's files; a 4xx, so that the wait ends at once
    │   ├── ChunkFailed            409, may mend: the sweep tries again, and a person can
    │   ├── ChunkLost              410, won't mend
    │   ├── ChunkRemoved           410, somebody removed its file from the archive
    │   ├── NothingRecorded        409, won't mend: ACS could not carry the start out
    │   └── FilesOverdue           409, may mend: the recording ended, and its files aren't announced
    ├── TopicUnavailable         the customer's topic for announcements: retry, it is busy or can't be reached
    │   └── TopicRefused           retry: our identity, or what we sent; people mend it
    └── OurError
        ├── SettingsError          at start only
        ├── InvalidJob             a message that is no job
        ├── Unforeseen               retry: a defect of ours; the log has it
        ├── UnreadableRow          a row of the catalogue that another version wrote: leave it alone
        ├── Interrupted              retry: 503, the work was cancelled
        └── LeaseLost              another worker owns the chunk now: leave it alone

A gateway raises these and nothing of a vendor's. `str(error)` is fit for a caller: it holds no secret and no query
string. Logs take the reason alone.
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
from shared.errors.ours import Interrupted, InvalidJob, LeaseLost, OurError, SettingsError, Unforeseen, UnreadableRow
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
