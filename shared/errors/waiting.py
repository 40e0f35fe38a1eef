"""Told to who waits for a recording's files, when the wait can't end well by itself."""

from shared.errors.base import CallvaultError, Fault


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


class ChunkRemoved(ArchiveError):
    status = 410
    fault = Fault.DESTINATION
    reason = "chunk-removed"
    title = "A chunk of the recording was removed from the archive"


class NothingRecorded(ArchiveError):
    reason = "nothing-recorded"
    title = "Azure Communication Services could not start the recording"


class FilesOverdue(ArchiveError):
    retry = True
    reason = "files-overdue"
    title = "Azure Communication Services has not announced the recording's files"
