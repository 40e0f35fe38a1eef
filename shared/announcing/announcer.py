"""Announces the new state of a chunk, from the outbox in its row, and of its recording once all chunks are safe.

        state and outbox, one write ──> topic ──> outbox emptied, with the next write of the row
                    1                     2                     3

A crash before 2 leaves the announcement in the row and the chunk on the worklist: the sweep announces it. After a crash
before 3, it is announced again under the same id. The recording is read after 1. If several workers archive the last
chunks at the same time, the worker that writes last sees that the recording is complete. It first announces the chunks
whose outboxes are not empty yet, so subscribers never receive a recording's announcement before those of its chunks.
While a row of the recording can't be read, the outbox keeps an entry, so that the recording is announced later.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain

from opentelemetry.trace import SpanKind

from shared.announcing.messages import Messages
from shared.bookkeeping.writers import Writers
from shared.contracts.events.announcements import Announcement
from shared.domain.clock import Clock
from shared.domain.outbox import add_to_outbox, all_sent, pending_announcement, read_outbox
from shared.domain.records import Chunk, Recording
from shared.domain.states import SAFE, ChunkState
from shared.errors import CallvaultError, LeaseLost, TopicUnavailable, Unforeseen, UnreadableRow
from shared.gateways.bundle import Gateways
from shared.observability import metrics, tracing
from shared.observability.logs import logger

log = logger("announcing")

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=30)  # between two tries of the sweep
# After a failure no requests are sent for this long: an unreachable topic must not slow down every job. The pause
# doubles with each consecutive failure.
_FIRST_TOPIC_PAUSE, _LONGEST_TOPIC_PAUSE = timedelta(seconds=5), timedelta(minutes=1)
OVERDUE = timedelta(hours=1)  # then an alert is raised: waiting doesn't fix a missing role, for example
_KEPT_FOR = timedelta(days=7)  # then the announcement is dropped


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """The result of a delivery: the chunk after it, and when to try again if its outbox isn't empty."""

    chunk: Chunk
    due_at: datetime | None = None
    tried: bool = True  # False: the topic is paused after a failure, and no request was sent


class Announcing:
    """Announces the contents of outboxes. Does nothing if no topic is configured."""

    def __init__(self, gateways: Gateways, clock: Clock) -> None:
        self._writers = Writers.over(gateways)
        self._catalogue, self._topic, self._clock = gateways.catalogue, gateways.topic, clock
        self._messages = Messages(gateways.archive_reader)
        self._paused_until = datetime.min.replace(tzinfo=UTC)
        self._next_pause = _FIRST_TOPIC_PAUSE

    @property
    def paused_until(self) -> datetime:
        """When the next request to the topic may be sent: now, unless the topic is paused after a failure."""
        return max(self._paused_until, self._clock.now())

    @property
    def is_paused(self) -> bool:
        return self._topic is not None and self._clock.now() < self._paused_until

    def to_announce(self, chunk: Chunk, at: datetime) -> Chunk:
        """Adds the chunk's state to its outbox if a topic is configured. The caller writes the result."""
        if self._topic is None:
            return chunk
        return chunk.evolve(
            outbox=add_to_outbox(chunk.outbox, pending_announcement(chunk.state, at, chunk.attempts, chunk.failure))
        )

    async def announce(self, chunk: Chunk) -> Chunk:
        """Announces what is in a chunk's outbox and writes the emptied outbox. Returns the chunk as written.

        If the topic fails, the outbox stays as it is. Raises DestinationError if the catalogue fails.
        """
        return (await self.attempt_delivery(chunk)).chunk

    async def attempt_delivery(self, chunk: Chunk) -> Delivery:
        """Like `announce`, but also returns when to try again."""
        delivery = await self._publish(chunk)
        if self._topic is None or delivery.chunk.outbox == chunk.outbox:
            return delivery
        try:
            return replace(delivery, chunk=await self._writers.chunks.replace(delivery.chunk))
        except LeaseLost:
            # Another process wrote the row meanwhile: the outbox is still in it, so the chunk is announced again.
            return Delivery(chunk=chunk, due_at=self._due_again(chunk))

    async def deliver(self, chunk: Chunk) -> Chunk:
        """Announces what is in a chunk's outbox. Returns the chunk with an empty outbox, unchanged if the topic failed.

        The caller writes the result. Raises nothing: a failed announcement must not stop the archiving.
        """
        return (await self._publish(chunk)).chunk

    async def _publish(self, chunk: Chunk) -> Delivery:
        if chunk.outbox is None or self._topic is None:
            return Delivery(chunk=chunk.evolve(outbox=None))
        if self.is_paused:
            return Delivery(chunk=chunk, due_at=self._paused_until, tried=False)
        try:
            with tracing.resumed("announce", chunk.traceparent, tracing.keys(chunk), kind=SpanKind.PRODUCER):
                announcements, hidden = await self._announcements(chunk)
                if announcements:
                    await self._topic.publish(announcements)
        except CallvaultError as error:
            return self._retry_later(chunk, error)
        except Exception:
            log.exception("announcement failed unexpectedly", extra={"action": "announce", **_keys(chunk)})
            return self._retry_later(chunk, Unforeseen("announcing failed unexpectedly; see the log"))
        self._next_pause = _FIRST_TOPIC_PAUSE
        for one in announcements:
            metrics.announcements.add(1, {"type": str(one.type)})
        if announcements:
            types = [one.type for one in announcements]
            log.info("announcements accepted", extra={"action": "announce", "types": types, **_keys(chunk)})
        if not hidden:
            return Delivery(chunk=chunk.evolve(outbox=None))
        unknown = UnreadableRow(f"whether the recording is complete: it has {', '.join(hidden)}")
        return self._retry_later(chunk.evolve(outbox=all_sent(chunk.outbox)), unknown)

    def _due_again(self, chunk: Chunk) -> datetime:
        """When to announce again after a failure. The pause is the age of the oldest announcement, within limits."""
        now = self._clock.now()
        waited = now - min((pending.at for pending in read_outbox(chunk.outbox)), default=now)
        return now + max(_FIRST_PAUSE, min(waited, _LONGEST_PAUSE))

    def _retry_later(self, chunk: Chunk, error: CallvaultError) -> Delivery:
        now = self._clock.now()
        metrics.announcements_failed.add(1, {"error.type": error.reason})
        context = {"action": "announce", "reason": error.reason, **_keys(chunk)}
        if isinstance(error, TopicUnavailable):
            self._pause_topic(now, error.retry_after)
        waited = now - min((pending.at for pending in read_outbox(chunk.outbox)), default=now)
        if all(now - pending.at > _KEPT_FOR for pending in read_outbox(chunk.outbox)):
            log.error("announcement dropped", extra=context)
            return Delivery(chunk=chunk.evolve(outbox=None))
        if waited > OVERDUE:
            log.error("announcement overdue", extra=context)
        else:
            log.warning("announcement failed", extra=context)
        return Delivery(chunk=chunk, due_at=self._due_again(chunk))

    def _pause_topic(self, now: datetime, retry_after: float | None) -> None:
        """Of several requests that fail at the same time, only the first extends the pause."""
        if now < self._paused_until:
            return
        self._paused_until = now + min(
            timedelta(seconds=retry_after) if retry_after else self._next_pause, _LONGEST_TOPIC_PAUSE
        )
        self._next_pause = min(self._next_pause * 2, _LONGEST_TOPIC_PAUSE)

    async def _announcements(self, chunk: Chunk) -> tuple[list[Announcement], tuple[str, ...]]:
        """The announcements to send, and the unreadable rows, which hide whether the recording is complete."""
        recording, chunks = await self._catalogue.recording(chunk.recording_key)
        recording = recording or Recording(recording_key=chunk.recording_key, recording_id=chunk.recording_id)
        own = self._messages.of_chunk(chunk, recording)
        archived = any(pending.state is ChunkState.ARCHIVED for pending in read_outbox(chunk.outbox))
        if not archived or not recording.is_complete(chunks):
            is_unknown = archived and all(other.state in SAFE for other in chunks)
            return own, recording.unreadable if is_unknown else ()
        others = [self._messages.of_chunk(other, recording) for other in chunks if other.chunk_key != chunk.chunk_key]
        return [*chain(*others), *own, self._messages.of_complete_recording(recording, chunks)], ()


def _keys(chunk: Chunk) -> dict[str, object]:
    return {"recording_key": chunk.recording_key, "chunk_key": chunk.chunk_key, "chunk_index": chunk.index}
