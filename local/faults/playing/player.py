"""Runs a schedule on a stack: creates its recordings, orders its faults and deaths, and delivers its events."""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from local.acs.identifiers import new_recording_id
from local.faults.injection.crash_orders import OrderBook
from local.faults.playing.caller_requests import CallerRequests, make_requests
from local.faults.playing.tampering import Tamperer, poison
from local.faults.running_stack.stack_client import StackClient
from local.faults.schedules.random_schedules import DAY, PlannedRecording, Schedule
from local.faults.schedules.scenarios import FREEZE, Fault
from local.faults.schedules.unusual_events import Delivery, End, Event, oddly
from shared.domain.keys import key_of

_RETRY_PAUSE = 0.2  # seconds until a refused event is delivered again
_ACCEPTED_WITHIN = 120.0  # seconds; longer than replacing a host takes
_CORRECTED_AFTER = 1.0  # seconds between a wrong event and the correct one


@dataclass(kw_only=True)
class Played:
    """The results of a schedule that its player knows."""

    seed: int
    recordings: set[str] = field(default_factory=set)
    announced: dict[str, End] = field(default_factory=dict)  # documents and their expected ends
    victims: set[str] = field(default_factory=set)  # documents that only a wrong delete location names
    wants_media: set[str] = field(default_factory=set)  # documents whose media must be archived even without metadata
    gaps: set[str] = field(default_factory=set)  # recordings of which a chunk is never announced
    quarantined: int = 0  # number of events that must be in quarantine
    passing: set[str] = field(default_factory=set)  # faults that end with the disturbances
    refused: list[str] = field(default_factory=list)  # oddity or scenario of each event that was not accepted in time
    events: int = 0  # deliveries by the player
    deaths: set[str] = field(default_factory=set)  # orders
    freezes: set[str] = field(default_factory=set)
    requests: CallerRequests = field(default_factory=CallerRequests)
    corrected: set[str] = field(default_factory=set)  # documents announced with wrong locations first


@dataclass(frozen=True, kw_only=True)
class Player:
    client: StackClient
    book: OrderBook
    tamperer: Tamperer
    rate: float

    async def play(self, plan: Schedule) -> Played:
        """Returns after every event was accepted."""
        played = Played(seed=plan.seed)
        async with asyncio.TaskGroup() as group:
            for number, recording in enumerate(plan.recordings):
                group.create_task(self._record(plan, number, recording, played))
        return played

    async def _record(self, plan: Schedule, number: int, planned: PlannedRecording, played: Played) -> None:
        await asyncio.sleep(planned.starts_after)
        recording_id = new_recording_id()
        for fault in planned.faults:
            await self._order(fault, recording_id, played)
        by_simulator = planned.announcement != "plain"
        if by_simulator:
            await self.client.acs(
                "POST", "/faults", operation="event", kind=planned.announcement, recordingId=recording_id
            )
            # The event is sent before the documents are known, so deaths are armed by the recording only.
            self._arm(plan, number, (key_of(recording_id),), played)
        made = await self._made(planned, recording_id, announce=by_simulator)
        played.recordings.add(recording_id)
        if by_simulator and planned.announcement == "eventNever":
            return
        delivery = await self._delivery(plan, planned, made, played)
        if planned.ordeal.gap:
            played.gaps.add(recording_id)
        documents = [chunk["documentId"] for chunk in _chunks(made["event"])]
        for document_id in documents:
            played.announced[document_id] = delivery.exceptions.get(document_id, delivery.ends)
        played.wants_media |= set(documents) if planned.ordeal.wants_media else set()
        played.quarantined += delivery.quarantined
        played.corrected |= set(documents) if delivery.corrected else set()
        if not by_simulator:
            about = (key_of(recording_id), *documents, *map(key_of, documents))
            self._arm(plan, number, about, played)
            if planned.ordeal.frozen_at is not None:
                played.freezes.add(self.book.arm(planned.ordeal.frozen_at, (key_of(documents[0]),), freeze=FREEZE))
        async with asyncio.TaskGroup() as group:
            if planned.ordeal.tampering is not None:
                group.create_task(self.tamperer.tamper(documents[0], planned.ordeal.tampering))
            group.create_task(self._deliver_all(planned, delivery, played))
            own = random.Random(f"acts {plan.seed} {number}")  # noqa: S311 - the same seed must give the same requests
            group.create_task(make_requests(self.client, recording_id, documents[0], own, played.requests))
            if planned.ordeal.poisoned:
                group.create_task(poison(self.client, documents[0]))

    async def _order(self, fault: Fault, recording_id: str, played: Played) -> None:
        order = {name: value for name, value in fault.items() if name not in {"stays", "within"}}
        if "within" in fault:
            order["withinSeconds"] = fault["within"] / self.rate
        made = await self.client.acs("POST", "/faults", recordingId=recording_id, **order)
        if "stays" not in fault:
            played.passing.add(made["id"])

    async def _made(self, planned: PlannedRecording, recording_id: str, *, announce: bool) -> dict[str, Any]:
        given = planned.ordeal
        # A late event belongs to a file that ACS keeps for two days.
        kept = given.life or (2 * DAY - given.age if given.age else DAY)
        made: dict[str, Any] = await self.client.document(
            recordingId=recording_id, announce=announce, retentionSeconds=kept / self.rate, **planned.order
        )
        return made

    async def _delivery(
        self, plan: Schedule, planned: PlannedRecording, made: dict[str, Any], played: Played
    ) -> Delivery:
        event: Event = made["event"]
        if planned.announcement == "plain":
            event = event | {"eventTime": self._event_time(planned, made)}
        if planned.ordeal.gap:
            del _in_order(event)[1]
        if planned.oddity is None:
            return Delivery(events=(event,), exceptions={})
        victim = await self.client.document(size=3_000, announce=False, retentionSeconds=DAY / self.rate)
        played.recordings.add(victim["recordingId"])
        victim_id: str = victim["chunks"][0]["documentId"]
        played.victims.add(victim_id)
        own = random.Random(f"oddity {plan.seed}")  # noqa: S311 - the same seed must give the same event
        return oddly(planned.oddity, event, victim_id, own)

    def _event_time(self, planned: PlannedRecording, made: dict[str, Any]) -> str:
        """A time that makes the product's deadline equal the source's expiry, unless the event is late."""
        if planned.ordeal.age:
            return (datetime.now(UTC) - timedelta(seconds=planned.ordeal.age / self.rate)).isoformat()
        expires = min(datetime.fromisoformat(chunk["expiresAt"]) for chunk in made["chunks"])
        return (expires - timedelta(seconds=DAY / self.rate)).isoformat()

    def _arm(self, plan: Schedule, number: int, about: tuple[str, ...], played: Played) -> None:
        for order in plan.orders:
            if order.recording == number:
                order_id = self.book.arm(order.point, about, skip=order.skip, freeze=order.freeze)
                (played.deaths if order.freeze is None else played.freezes).add(order_id)

    async def _deliver_all(self, planned: PlannedRecording, delivery: Delivery, played: Played) -> None:
        for pause in planned.pauses:
            await asyncio.sleep(pause)
            for number, event in enumerate(delivery.events):
                if number:
                    await asyncio.sleep(_CORRECTED_AFTER)
                await self._deliver(planned, event, played)

    async def _deliver(self, planned: PlannedRecording, event: Event, played: Played) -> None:
        """Repeats the delivery until it is accepted, as Event Grid does, but for a shorter time."""
        played.events += 1
        try:
            async with asyncio.timeout(_ACCEPTED_WITHIN):
                while not await self.client.deliver(event, planned.entrance):
                    played.events += 1
                    await asyncio.sleep(_RETRY_PAUSE)
        except TimeoutError:
            played.refused.append(planned.oddity or planned.scenario)


def _in_order(event: Event) -> list[dict[str, Any]]:
    _chunks(event).sort(key=lambda chunk: int(chunk["index"]))
    return _chunks(event)


def _chunks(event: Event) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = event["data"]["recordingStorageInfo"]["recordingChunks"]
    return found
