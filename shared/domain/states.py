r"""The states of a chunk and of a recording, and the moves allowed between them.

     pending --claim--> copying --verified--> archived --source deleted--> released
      ^   ^              |  |  \                 |
      |   |  transient   |  |   \ source gone    | the archive lost it before the source was deleted
      |   +--- retry ----+  |    \ (proved)      v
      |                     |     +--> lost    pending
      |   permanent fault,  |            |
      |   out of attempts   v            |
      +---- sweep, ----- failed          |
      +---- replay, new event -----------+

     archived, released <--- a read: the file is missing, or is back ---> expired, removed
                                                      pending <--- new event --- removed

A claim is one conditional write. When the lease of a `copying` chunk expires, another worker can claim the chunk.
`archived` is final if the source is kept: DELETE_SOURCE is false, or deletion_rule gives a reason. A chunk that
isn't being copied can become failed (its message is poison) or lost (its source's longest lifetime is over) directly.
Whenever both files are found complete in the archive, the chunk becomes archived, whatever its state was. If a read
finds an archived file missing, the chunk becomes `expired` if the archive's lifecycle rule deletes files of that age,
else `removed`. A new event for a removed chunk means that ACS has the file: the chunk is copied again unless its
source was deleted. An expired chunk stays expired, because its file was removed on purpose.
"""

from enum import StrEnum
from typing import Literal

from shared.errors import CallvaultError


class ChunkState(StrEnum):
    PENDING = "pending"  # waits for a worker, now or until its next attempt
    COPYING = "copying"  # a worker holds the lease and is copying
    ARCHIVED = "archived"  # files are in the archive; verified, unless `reason` says why the source is kept
    RELEASED = "released"  # ... and the source is deleted
    FAILED = "failed"  # failed for a reason; the source is kept, and the chunk can be replayed
    LOST = "lost"  # source gone, or no media archived within 48 hours; a replay or a new event restarts it
    EXPIRED = "expired"  # was archived; the archive's lifecycle rule deleted its file: not an error
    REMOVED = "removed"  # was archived; someone removed one of its files


type GivenUp = Literal[ChunkState.FAILED, ChunkState.LOST]


class MissingFile(StrEnum):
    """Which archived files of a chunk are missing."""

    MEDIA = "media"
    METADATA = "metadata"
    BOTH = "both"

    @classmethod
    def of(cls, *, media: bool, metadata: bool) -> "MissingFile | None":
        if media:
            return cls.BOTH if metadata else cls.MEDIA
        return cls.METADATA if metadata else None


class RecordingState(StrEnum):
    STARTING = "starting"  # ACS accepted the start but hasn't confirmed that it is running
    ACTIVE = "active"  # is running
    PAUSED = "paused"  # is running, but records nothing until it is resumed
    FAILED = "failed"  # ACS accepted the start but couldn't start the recording
    STOPPED = "stopped"  # ended; ACS hasn't reported its files yet
    OVERDUE = "overdue"  # ended, but ACS didn't report its files in time
    ARCHIVING = "archiving"  # files reported, but at least one chunk isn't safe yet
    ARCHIVED = "archived"  # every chunk is in the archive
    INCOMPLETE = "incomplete"  # a chunk failed, is lost, or was removed from the archive
    EXPIRED = "expired"  # every chunk was archived; the archive's lifecycle rule has deleted at least one since


class AcsState(StrEnum):
    """The state of a recording according to ACS, as callers get it."""

    ACTIVE = "active"
    INACTIVE = "inactive"  # is paused, or hasn't begun yet
    UNKNOWN = "unknown"  # ACS doesn't know it, for example because it ended
    UNAVAILABLE = "unavailable"  # ACS didn't respond


RUNNING = frozenset({RecordingState.STARTING, RecordingState.ACTIVE, RecordingState.PAUSED})
SAFE = frozenset({ChunkState.ARCHIVED, ChunkState.RELEASED})
MISSING = frozenset({ChunkState.EXPIRED, ChunkState.REMOVED})  # were safe, but a file is no longer in the archive
ONCE_SAFE = SAFE | MISSING
REPLAYABLE = frozenset({ChunkState.FAILED, ChunkState.LOST})
IN_TROUBLE = REPLAYABLE | {ChunkState.REMOVED}
ACKNOWLEDGEABLE = frozenset({ChunkState.LOST, ChunkState.REMOVED})

MOVES: dict[ChunkState, frozenset[ChunkState]] = {
    ChunkState.PENDING: frozenset({ChunkState.COPYING, ChunkState.ARCHIVED, ChunkState.FAILED, ChunkState.LOST}),
    ChunkState.COPYING: frozenset(
        {ChunkState.COPYING, ChunkState.PENDING, ChunkState.ARCHIVED, ChunkState.FAILED, ChunkState.LOST}
    ),
    ChunkState.ARCHIVED: frozenset({ChunkState.RELEASED, ChunkState.PENDING}) | MISSING,
    ChunkState.RELEASED: MISSING,
    ChunkState.EXPIRED: frozenset({ChunkState.ARCHIVED, ChunkState.RELEASED, ChunkState.REMOVED}),
    ChunkState.REMOVED: frozenset({ChunkState.ARCHIVED, ChunkState.RELEASED, ChunkState.EXPIRED, ChunkState.PENDING}),
    ChunkState.FAILED: frozenset({ChunkState.PENDING, ChunkState.ARCHIVED, ChunkState.LOST}),
    ChunkState.LOST: frozenset({ChunkState.PENDING, ChunkState.ARCHIVED}),
}


class ForbiddenMove(CallvaultError):
    """A use case requested a move that isn't in MOVES: a defect in Callvault."""

    reason = "forbidden-move"


def check_move(current: ChunkState, following: ChunkState) -> None:
    if following not in MOVES[current]:
        raise ForbiddenMove(f"a chunk cannot go from {current} to {following}")
