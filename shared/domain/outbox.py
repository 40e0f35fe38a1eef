"""The outbox of a chunk: news of it that is still to be announced, kept in the chunk's own row.

State and news change in one write, so no crash can come between them, and no write is made for the news alone. The row
goes on carrying it, whatever becomes of the chunk, until it was announced.
"""

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from shared.domain.failure import Failure
from shared.domain.states import ChunkState

_MOST = 24  # more than these are failures and replays while the topic is down; a row's text ends at 32,768 characters
_LONGEST = 500  # characters of a detail


@dataclass(frozen=True, kw_only=True)
class PendingAnnouncement:
    """A chunk came to a state that is announced; for the bad ones, why."""

    state: ChunkState
    at: datetime
    attempts: int
    fault: str | None = None
    reason: str | None = None
    detail: str | None = None


_adapter = TypeAdapter(tuple[PendingAnnouncement, ...])


def read_outbox(outbox: str | None) -> tuple[PendingAnnouncement, ...]:
    """The news, oldest first. An outbox that can't be read is empty: what only tells must not stop what archives."""
    try:
        return _adapter.validate_json(outbox) if outbox else ()
    except ValidationError:
        return ()


def add_to_outbox(outbox: str | None, pending: PendingAnnouncement) -> str:
    """The outbox with one more; the oldest is dropped where there are too many."""
    return _adapter.dump_json((*read_outbox(outbox), pending)[-_MOST:], exclude_none=True).decode()


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
