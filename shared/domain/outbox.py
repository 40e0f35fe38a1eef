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
class News:
    """A chunk came to a state that is announced; for the bad ones, why."""

    state: ChunkState
    at: datetime
    attempts: int
    fault: str | None = None
    reason: str | None = None
    detail: str | None = None


_adapter = TypeAdapter(tuple[News, ...])


def read(outbox: str | None) -> tuple[News, ...]:
    """The news, oldest first. An outbox that can't be read is empty: what only tells must not stop what archives."""
    try:
        return _adapter.validate_json(outbox) if outbox else ()
    except ValidationError:
        return ()


def added(outbox: str | None, news: News) -> str:
    """The outbox with one more; the oldest is dropped where there are too many."""
    return _adapter.dump_json((*read(outbox), news)[-_MOST:], exclude_none=True).decode()


def news_of(state: ChunkState, at: datetime, attempts: int, failure: Failure | None) -> News:
    if failure is None:
        return News(state=state, at=at, attempts=attempts)
    return News(
        state=state,
        at=at,
        attempts=attempts,
        fault=failure.fault,
        reason=failure.reason,
        detail=failure.detail[:_LONGEST],
    )
