"""Announces what became of a chunk, and of its recording when all are safe, from the outbox in the chunk's row.

        state and news, one write ──> topic ──> outbox emptied, with the next write of the row
                  1                     2                     3

A crash before 2 leaves the news in the row, and the chunk on the worklist: the sweep announces it. A crash before 3
announces it again, under the same id. Whether a recording is complete is read after 1, so of several workers whose
chunks become safe at once the last to write sees it; it announces what the others have not noted yet with it, so that
nobody hears of the recording before its chunks.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain

from opentelemetry.trace import SpanKind

from shared.announcing.messages import Wording
from shared.bookkeeping.books import Books
from shared.contracts.events.announcements import Announcement
from shared.domain.clock import Clock
from shared.domain.outbox import added, news_of, read
from shared.domain.records import Chunk, Recording
from shared.domain.states import ChunkState
from shared.errors import CallvaultError, LeaseLost, TopicUnavailable, Unforeseen
from shared.gateways.bundle import Gateways
from shared.observability import metrics, tracing
from shared.observability.logs import logger

log = logger("announcing")

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=30)  # between two tries of the sweep
# After a topic gave no answer: its silence should not slow every job. Doubles with each time that follows on another.
_FIRST_REST, _LONGEST_REST = timedelta(seconds=5), timedelta(minutes=1)
_OVERDUE = timedelta(hours=1)  # from then on someone is woken: a role that lacks is not mended by waiting
_KEPT = timedelta(days=7)  # what nobody could be told for so long isn't news any more


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What became of a chunk's news: the chunk as it stands then, and when to offer what is left, if anything is."""

    chunk: Chunk
    due_at: datetime | None = None
    tried: bool = True  # False: the topic is paused after a failure, and no request was sent


class Announcing:
    """Tells the topic, if there is one, what stands in outboxes. Costs nothing where there is none."""

    def __init__(self, gateways: Gateways, clock: Clock) -> None:
        self._books = Books.over(gateways)
        self._catalogue, self._topic, self._clock = gateways.catalogue, gateways.topic, clock
        self._wording = Wording(gateways.archived)
        self._resting_until = datetime.min.replace(tzinfo=UTC)
        self._rest = _FIRST_REST

    @property
    def rest_ends(self) -> datetime:
        """When the next request to the topic may be sent: now, unless the topic is paused after a failure."""
        return max(self._resting_until, self._clock.now())

    @property
    def rests(self) -> bool:
        return self._topic is not None and self._clock.now() < self._resting_until

    def to_announce(self, chunk: Chunk, at: datetime) -> Chunk:
        """The chunk with its new state in its outbox, where a topic is configured. Written by the caller."""
        if self._topic is None:
            return chunk
        return chunk.evolve(outbox=added(chunk.outbox, news_of(chunk.state, at, chunk.attempts, chunk.failure)))

    async def settle(self, chunk: Chunk) -> Chunk:
        """Announces what is in a chunk's outbox and notes it. Gives the chunk as it stands then.

        Raises DestinationError when the catalogue fails; a topic that fails leaves the outbox as it is.
        """
        return (await self.offer(chunk)).chunk

    async def offer(self, chunk: Chunk) -> Offer:
        """As `settle`, and says when to try again."""
        offered = await self._deliver(chunk)
        if self._topic is None or offered.chunk.outbox == chunk.outbox:
            return offered
        try:
            return replace(offered, chunk=await self._books.chunks.replace(offered.chunk))
        except LeaseLost:
            # Another process wrote the row meanwhile: the outbox is still in it, so the chunk is announced again.
            return Offer(chunk=chunk, due_at=self._due_again(chunk))

    async def deliver(self, chunk: Chunk) -> Chunk:
        """The chunk with its outbox empty, to be written by the caller, or as it is if the topic didn't take it.

        Raises nothing, whatever goes wrong: what only tells must not stop what archives.
        """
        return (await self._deliver(chunk)).chunk

    async def _deliver(self, chunk: Chunk) -> Offer:
        if chunk.outbox is None or self._topic is None:
            return Offer(chunk=chunk.evolve(outbox=None))
        if self.rests:
            return Offer(chunk=chunk, due_at=self._resting_until, tried=False)
        try:
            with tracing.resumed("announce", chunk.traceparent, tracing.keys(chunk), kind=SpanKind.PRODUCER):
                announcements = await self._announcements(chunk)
                await self._topic.publish(announcements)
        except CallvaultError as error:
            return self._put_off(chunk, error)
        except Exception:
            log.exception("announcing failed unforeseen", extra={"action": "announce", **_keys(chunk)})
            return self._put_off(chunk, Unforeseen("announcing failed for a reason that was not foreseen"))
        self._rest = _FIRST_REST
        for one in announcements:
            metrics.announcements.add(1, {"type": str(one.type)})
        log.info(
            "announced", extra={"action": "announce", "types": [one.type for one in announcements], **_keys(chunk)}
        )
        return Offer(chunk=chunk.evolve(outbox=None))

    def _due_again(self, chunk: Chunk) -> datetime:
        """When news that the topic refused are to be offered again: they wait as long as they have, within bounds."""
        now = self._clock.now()
        waited = now - min((news.at for news in read(chunk.outbox)), default=now)
        return now + max(_FIRST_PAUSE, min(waited, _LONGEST_PAUSE))

    def _put_off(self, chunk: Chunk, error: CallvaultError) -> Offer:
        now = self._clock.now()
        metrics.announcements_put_off.add(1, {"error.type": error.reason})
        context = {"action": "announce", "reason": error.reason, **_keys(chunk)}
        if isinstance(error, TopicUnavailable):
            self._let_rest(now, error.retry_after)
        waited = now - min((news.at for news in read(chunk.outbox)), default=now)
        if all(now - news.at > _KEPT for news in read(chunk.outbox)):
            log.error("announcement given up", extra=context)
            return Offer(chunk=chunk.evolve(outbox=None))
        if waited > _OVERDUE:
            log.error("announcement overdue", extra=context)
        else:
            log.warning("not announced", extra=context)
        return Offer(chunk=chunk, due_at=self._due_again(chunk))

    def _let_rest(self, now: datetime, asked: float | None) -> None:
        """Of several requests that fail at the same time, only the first extends the pause."""
        if now < self._resting_until:
            return
        self._resting_until = now + min(timedelta(seconds=asked) if asked else self._rest, _LONGEST_REST)
        self._rest = min(self._rest * 2, _LONGEST_REST)

    async def _announcements(self, chunk: Chunk) -> list[Announcement]:
        recording, standing = await self._catalogue.recording(chunk.recording_key)
        recording = recording or Recording(recording_key=chunk.recording_key, recording_id=chunk.recording_id)
        own = self._wording.news(chunk, recording)
        archived = any(news.state is ChunkState.ARCHIVED for news in read(chunk.outbox))
        if not archived or not recording.is_complete(standing):
            return own
        others = [self._wording.news(other, recording) for other in standing if other.chunk_key != chunk.chunk_key]
        return [*chain(*others), *own, self._wording.complete(recording, standing)]


def _keys(chunk: Chunk) -> dict[str, object]:
    return {"recording_key": chunk.recording_key, "chunk_key": chunk.chunk_key, "chunk_index": chunk.index}
