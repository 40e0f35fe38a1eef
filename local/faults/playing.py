"""Plays a schedule on a running stack: makes its recordings, orders its faults and deaths, delivers its events."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from local.acs.identifiers import new_recording_id
from local.faults.orders import OrderBook
from local.faults.schedules import DAY, PlannedRecording, Schedule
from local.faults.site import Site
from shared.identity import key_of

_RETRY_PAUSE = 0.2  # seconds until an event that wasn't taken comes again


@dataclass(kw_only=True)
class Played:
    """What came of a schedule as far as its player knows."""

    seed: int
    recordings: set[str] = field(default_factory=set)
    announced: set[str] = field(default_factory=set)  # documents
    events: int = 0  # deliveries by hand
    deaths: set[str] = field(default_factory=set)  # orders
    freezes: set[str] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class Player:
    site: Site
    book: OrderBook
    rate: float

    async def play(self, plan: Schedule) -> Played:
        """Returns when every event was taken."""
        played = Played(seed=plan.seed)
        async with asyncio.TaskGroup() as group:
            for number, recording in enumerate(plan.recordings):
                group.create_task(self._record(plan, number, recording, played))
        return played

    async def _record(self, plan: Schedule, number: int, planned: PlannedRecording, played: Played) -> None:
        await asyncio.sleep(planned.starts_after)
        recording_id = new_recording_id()
        for fault in planned.faults:
            await self.site.acs("POST", "/faults", recordingId=recording_id, **fault)
        by_simulator = planned.announcement != "plain" and planned.left is None
        if by_simulator:
            await self.site.acs(
                "POST", "/faults", operation="event", kind=planned.announcement, recordingId=recording_id
            )
        if by_simulator:
            # Its event comes before anyone can know the documents: deaths are armed by the recording alone.
            self._arm(plan, number, (key_of(recording_id),), played)
        kept = (planned.left or DAY) / self.rate
        made = await self.site.document(
            recordingId=recording_id, announce=by_simulator, retentionSeconds=kept, **planned.order
        )
        played.recordings.add(recording_id)
        if by_simulator and planned.announcement == "eventNever":
            return
        event = made["event"]
        documents = [chunk["documentId"] for chunk in event["data"]["recordingStorageInfo"]["recordingChunks"]]
        played.announced.update(documents)
        if not by_simulator:
            keys = (key_of(recording_id), *documents, *map(key_of, documents))
            self._arm(plan, number, keys, played)
            event |= {"eventTime": self._event_time(made)}
        for pause in planned.pauses:
            await asyncio.sleep(pause)
            await self._deliver(event, played)

    def _event_time(self, made: dict[str, Any]) -> str:
        """Such that the product's deadline is the moment at which the simulator's source expires."""
        expires = min(datetime.fromisoformat(chunk["expiresAt"]) for chunk in made["chunks"])
        return (expires - timedelta(seconds=DAY / self.rate)).isoformat()

    def _arm(self, plan: Schedule, number: int, about: tuple[str, ...], played: Played) -> None:
        for order in plan.orders:
            if order.recording == number:
                order_id = self.book.arm(order.point, about, skip=order.skip, freeze=order.freeze)
                (played.deaths if order.freeze is None else played.freezes).add(order_id)

    async def _deliver(self, event: dict[str, Any], played: Played) -> None:
        """Until it is taken, as Event Grid does."""
        played.events += 1
        while not await self.site.deliver(event):
            played.events += 1
            await asyncio.sleep(_RETRY_PAUSE)
