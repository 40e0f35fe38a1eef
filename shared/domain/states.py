r"""The states of a chunk and of a recording, and the moves allowed between them.

     pending --claim--> copying --verified--> archived --source deleted--> released
      ^   ^              |  |  \                 |
      |   |  transient   |  |   \ source gone    | the archive lost it before the source was deleted
      |   +--- retry ----+  |    \ for good      v
      |                     |     +--> lost    pending
      |   permanent fault,  |            |
      |   out of attempts   v            |
      +---- sweep, ----- failed          |
      +---- replay, new event -----------+

     archived, released <--- a read: the file is missing, or is back ---> expired, removed
                                                      pending <--- new event --- removed

A claim is one conditional write. `copying` under a lease that ran out may be claimed again by another worker.
`archived` is final if the source is to be kept: DELETE_SOURCE is false, or shared.domain.source_locations gives a
reason. A chunk that isn't being copied can fail (its message is poison) or be lost (its source's longest lifetime is
over) from where it is. Whenever both files turn out to be complete in the archive, the chunk is archived, from any
state before. A chunk whose archived file a read finds missing is `expired` where the archive's own lifecycle rule
removes files of that age, else `removed`. A new event for a removed chunk says that ACS has the file: it is copied
again, unless its source was deleted. An expired chunk stays expired, since its file was removed on purpose.
"""

from enum import StrEnum
from typing import Literal

from shared.errors import CallvaultError


class ChunkState(StrEnum):
    PENDING = "pending"  # known and waiting for a worker, now or at its next attempt
    COPYING = "copying"  # a worker holds the lease and copies
    ARCHIVED = "archived"  # media and metadata are in the archive, verified and recorded
    RELEASED = "released"  # ... and the source is deleted
    FAILED = "failed"  # given up with a reason; the source is kept, and it can be replayed
    LOST = "lost"  # the source went away before we had it; a replay or a new event starts it again
    EXPIRED = "expired"  # was archived, until the archive's own lifecycle rule removed its file: no fault
    REMOVED = "removed"  # was archived, until somebody removed a file of it


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
    STARTING = "starting"  # ACS accepted the start and has not said yet that it runs
    ACTIVE = "active"  # runs
    PAUSED = "paused"  # runs, and records nothing until it is resumed
    FAILED = "failed"  # ACS accepted the start and could not carry it out
    STOPPED = "stopped"  # ended; its files have not been announced yet
    OVERDUE = "overdue"  # ended, and its files weren't announced in the time that they should take
    ARCHIVING = "archiving"  # files announced, and at least one chunk isn't safe yet
    ARCHIVED = "archived"  # every announced chunk is in the archive
    INCOMPLETE = "incomplete"  # a chunk failed, is lost, or was removed from the archive
    EXPIRED = "expired"  # every chunk was archived, and the archive's own rule removed one or more since


RUNNING = frozenset({RecordingState.STARTING, RecordingState.ACTIVE, RecordingState.PAUSED})
SAFE = frozenset({ChunkState.ARCHIVED, ChunkState.RELEASED})
MISSING = frozenset({ChunkState.EXPIRED, ChunkState.REMOVED})  # were safe; a file is no longer in the archive
ONCE_SAFE = SAFE | MISSING
REPLAYABLE = frozenset({ChunkState.FAILED, ChunkState.LOST})
IN_TROUBLE = REPLAYABLE | {ChunkState.REMOVED}

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
    """A use case asked for a move that the drawing above does not have: a defect of ours."""

    reason = "forbidden-move"


def check_move(current: ChunkState, following: ChunkState) -> None:
    if following not in MOVES[current]:
        raise ForbiddenMove(f"a chunk cannot go from {current} to {following}")
