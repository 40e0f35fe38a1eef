"""The outbox of a chunk: announcements that are not delivered yet, kept as JSON in the chunk's own row.

A state and its announcement are added in one write, so no crash can separate them and no extra write is needed. The
announcement stays in the row until it is delivered, even if the chunk changes its state again. Exception: if the
archived files are gone and must be copied again, their announcement is removed.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from shared.domain.failure import Failure
from shared.domain.states import ChunkState

# The most announcements that are kept: a table property holds at most 32,768 characters. Only a chunk that fails and is
# replayed again and again while the topic is down has more.
_MOST = 24
_LONGEST = 500  # characters of a detail


@dataclass(frozen=True, kw_only=True)
class PendingAnnouncement:
    """A new state of a chunk, not announced yet; for a failed or lost chunk also the reason.

    `is_sent`: the state was announced, but not whether it made the recording complete.
    """

    state: ChunkState
    at: datetime
    attempts: int
    fault: str | None = None
    reason: str | None = None
    detail: str | None = None
    is_sent: bool = False


_adapter = TypeAdapter(tuple[PendingAnnouncement, ...])


def read_outbox(outbox: str | None) -> tuple[PendingAnnouncement, ...]:
    """The pending announcements, oldest first.

    An outbox that can't be parsed counts as empty: a failed announcement must not stop the archiving.
    """
    try:
        return _adapter.validate_json(outbox) if outbox else ()
    except ValidationError:
        return ()


def add_to_outbox(outbox: str | None, pending: PendingAnnouncement) -> str:
    """The outbox with one more announcement. Drops the oldest if there are too many."""
    return _written(*read_outbox(outbox), pending)


def all_sent(outbox: str | None) -> str:
    """The outbox after its chunk was announced, while it is unknown whether the recording is complete."""
    return _written(*(replace(one, is_sent=True) for one in read_outbox(outbox) if one.state is ChunkState.ARCHIVED))


def without_archived(outbox: str | None) -> str | None:
    """The outbox of a chunk whose archived files are gone. None if no other announcement is pending."""
    others = [one for one in read_outbox(outbox) if one.state is not ChunkState.ARCHIVED]
    return _written(*others) if others else None


def _written(*pending: PendingAnnouncement) -> str:
    return _adapter.dump_json(pending[-_MOST:], exclude_defaults=True).decode()


def pending_announcement(
    state: ChunkState, at: datetime, attempts: int, failure: Failure | None
) -> PendingAnnouncement:
    if failure is None:
        return PendingAnnouncement(state=state, at=at, attempts=attempts)
    return PendingAnnouncement(
        state=state,
        at=at,
        attempts=attempts,
        fault=failure.fault,
        reason=failure.reason,
        detail=failure.detail[:_LONGEST],
    )
