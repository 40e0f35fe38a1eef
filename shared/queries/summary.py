"""Summarises the state of the archive: open chunks and recordings, trouble, and the figures of the last day.

It counts open work only, so its cost doesn't grow with the archive: one operation for each shard of the worklist, one
for each row that is looked up (at most 100 chunks and 100 recordings), a page of trouble and a day of tallies.
"""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from shared.contracts.http.list_query import ListQuery
from shared.contracts.http.list_views import (
    LastDayView,
    OpenChunkView,
    OpenView,
    SummaryView,
    TallyBucket,
    TimeToSafe,
    TroublePage,
    WaitingView,
)
from shared.domain.clock import Clock
from shared.domain.labels import labels_of
from shared.domain.records import Chunk, Recording
from shared.domain.states import MISSING, SAFE, ChunkState, RecordingState
from shared.domain.tally import BOUNDS, QUARTER, Tally, quarter_of
from shared.domain.work_item import Kind, WorkItem
from shared.errors import UnreadableRow
from shared.gateways.bundle import Gateways
from shared.queries.list_item import UNKNOWN
from shared.queries.recordings import Listing

_MOST_LOOKED_UP = 100  # chunks, and as many recordings
_AT_ONCE = 32  # rows looked up concurrently
_DAYS = 7  # age of the oldest trouble in the summary; lists show older trouble, too
_TROUBLES = 10  # the most recordings in trouble that the summary shows
_BY = "Callvault"  # the caller of the list query for trouble
_QUARTERS = 96  # quarters of an hour in a day
_OVER = MISSING | {ChunkState.RELEASED, ChunkState.LOST}  # chunks in these states are about to leave the worklist
_WHOLE = frozenset({RecordingState.ARCHIVED, RecordingState.EXPIRED})  # recordings that are about to leave it


@dataclass(frozen=True, kw_only=True)
class _Open:
    view: OpenView
    unreadable: int  # rows of the worklist, and of the catalogue, that this version can't read


class Summary:
    """Makes the summary."""

    def __init__(self, gateways: Gateways, listing: Listing, clock: Clock) -> None:
        self._worklist, self._catalogue, self._tallies = gateways.worklist, gateways.catalogue, gateways.tallies
        self._listing, self._clock = listing, clock

    async def read(self) -> SummaryView:
        now = self._clock.now()
        still_open, trouble, last_day = await asyncio.gather(self._open(now), self._trouble(now), self._last_day(now))
        return SummaryView(
            at=now, open=still_open.view, trouble=trouble, last_day=last_day, unreadable=still_open.unreadable
        )

    async def _open(self, now: datetime) -> _Open:
        head = await self._worklist.glance()
        items = [item for item in head.items if item.call_key is None]  # a call's row has no recording yet
        # A row is removed a little after its chunk or recording is done, so each row is looked up before it counts.
        flawed = sum(item.flaw is not None for item in items)
        readable = [item for item in items if item.flaw is None]
        all_of_chunks = [item for item in readable if item.kind is Kind.CHUNK]
        of_chunks = all_of_chunks[:_MOST_LOOKED_UP]
        of_recordings = [item for item in readable if item.chunk_key is None][:_MOST_LOOKED_UP]
        looked_up = await _looked_up(of_chunks, self._catalogue.chunk_of)
        chunks = [found for found in looked_up if isinstance(found, Chunk) and found.state not in _OVER]
        states = [found for found in await _looked_up(of_recordings, self._recording) if found]
        unsafe = min((chunk for chunk in chunks if chunk.state not in SAFE), key=lambda one: one.deadline, default=None)
        over = sum(isinstance(found, Chunk) and found.state in _OVER for found in looked_up)
        view = OpenView(
            items=len(items) - over - sum(state in _WHOLE for state in states),
            complete=head.is_all,
            examined=len(of_chunks) + len(of_recordings),
            chunks_left_out=len(all_of_chunks) - len(of_chunks),
            chunks=dict(Counter(str(chunk.state) for chunk in chunks)),
            recordings=dict(Counter(str(state) for state in states if state not in _WHOLE)),
            waiting=_waiting(chunks),
            oldest=None if unsafe is None else await self._oldest(unsafe, now),
        )
        return _Open(view=view, unreadable=flawed + sum(isinstance(found, UnreadableRow) for found in looked_up))

    async def _oldest(self, chunk: Chunk, now: datetime) -> OpenChunkView:
        """The chunk, with what names its recording for people, if that row can be read."""
        recording = None
        with contextlib.suppress(UnreadableRow):
            recording = await self._catalogue.ledger(chunk.recording_key)
        return _shown(chunk, recording or Recording(recording_key=chunk.recording_key), now)

    async def _recording(self, item: WorkItem) -> str | None:
        """The state of a recording whose files are awaited."""
        recording, chunks = await self._catalogue.recording(item.recording_key)
        return None if recording is None else recording.state(chunks) or UNKNOWN

    async def _trouble(self, now: datetime) -> TroublePage:
        since = (now - timedelta(days=_DAYS)).date()
        page = await self._listing.page(
            ListQuery.model_validate({"from": since, "attention": True, "limit": _TROUBLES}), by=_BY
        )
        return TroublePage(recordings=page.recordings, more=page.next_cursor is not None)

    async def _last_day(self, now: datetime) -> LastDayView:
        latest = quarter_of(now)
        first = latest - (_QUARTERS - 1) * QUARTER
        await self._tallies.flush()
        found: defaultdict[datetime, Tally] = defaultdict(Tally)
        async for start, tally in self._tallies.since(first):
            found[min(start, latest)] += tally  # the clock of another instance may be ahead
        starts = [first + number * QUARTER for number in range(_QUARTERS)]
        whole = sum(found.values(), Tally())
        return LastDayView(
            **_figures(whole),
            time_to_safe=[
                TimeToSafe(up_to_seconds=bound, chunks=chunks)
                for bound, chunks in zip((*BOUNDS, None), whole.spread, strict=True)
            ],
            buckets=[
                TallyBucket(start=start, minutes=QUARTER // timedelta(minutes=1), **_figures(found[start]))
                for start in starts
            ],
        )


async def _looked_up[T](items: list[WorkItem], look_up: Callable[[WorkItem], Awaitable[T]]) -> list[T]:
    found: list[T] = []
    for some in batched(items, _AT_ONCE, strict=False):
        found += await asyncio.gather(*map(look_up, some))
    return found


def _waiting(chunks: list[Chunk]) -> list[WaitingView]:
    """The chunks whose last attempt failed and that wait for the next one, by reason."""
    failed = [chunk for chunk in chunks if chunk.state is ChunkState.PENDING and chunk.reason is not None]
    by_reason = {str(chunk.reason): chunk for chunk in reversed(failed)}  # the first chunk of each reason
    return [
        WaitingView(reason=reason, fault=by_reason[reason].fault, detail=by_reason[reason].detail, chunks=number)
        for reason, number in Counter(str(chunk.reason) for chunk in failed).most_common()
    ]


def _shown(chunk: Chunk, recording: Recording, now: datetime) -> OpenChunkView:
    return OpenChunkView(
        recording_id=chunk.recording_id,
        recording_key=chunk.recording_key,
        correlation=recording.correlation,
        labels=labels_of(recording.labels),
        started_at=recording.started_at or chunk.started_at,
        document_id=chunk.document_id,
        index=chunk.index,
        state=chunk.state,
        attempts=chunk.attempts,
        copied=chunk.copied,
        expected=chunk.expected,
        deadline=chunk.deadline,
        seconds_left=(chunk.deadline - now).total_seconds(),
        reason=chunk.reason,
    )


def _figures(tally: Tally) -> dict[str, Any]:
    return {
        "safe": tally.safe,
        "size": tally.size,
        "failed": tally.failed,
        "lost": tally.lost,
        "mean_seconds_to_safe": tally.seconds / tally.safe if tally.safe else None,
        "longest_seconds_to_safe": tally.longest if tally.safe else None,
    }
