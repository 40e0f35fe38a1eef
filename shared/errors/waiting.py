"""Answers to a caller that waits for a recording's files when an error ends the wait."""

from shared.errors.base import CallvaultError, Fault


class ArchiveError(CallvaultError):
    """Not the caller's fault, but still a 4xx, because clients keep polling after a 5xx."""

    status = 409
    fault = Fault.SOURCE

    def __init__(self, detail: str, fault: Fault = Fault.SOURCE) -> None:
        """`fault`: whose fault it is that the recording is incomplete."""
        super().__init__(detail)
        self.fault = fault


class ChunkFailed(ArchiveError):
    retry = True
    reason = "chunk-failed"
    title = "A chunk of the recording couldn't be archived"


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
    title = "Azure Communication Services couldn't start the recording"


class FilesOverdue(ArchiveError):
    retry = True
    reason = "files-overdue"
    title = "Azure Communication Services hasn't reported the recording's files"
