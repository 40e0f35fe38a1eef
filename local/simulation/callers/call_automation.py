"""Call Automation and the calls in it: they begin and end, are reported, and their recordings become files.

A callback is sent up to four times within seconds and then dropped. It may also come twice, late or never. Microsoft
doesn't document the real retries, so nothing may depend on them.
"""

import asyncio
import json
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from local.simulation.callers.event_grid import EventGrid
from local.simulation.callers.history import Callback, History
from local.simulation.callers.platform import Platform
from local.simulation.schedules.calls import CallPlan, Report
from local.simulation.schedules.events import event_of
from local.simulation.world.callback_tokens import token
from local.simulation.world.cluster import Outcome
from local.simulation.world.recorder import CallRecording, Change
from local.simulation.world.sources import source
from shared.recording.callback_urls import CallbackUrls

_RETRIES = (0.2, 1.0, 3.0)  # seconds before each further try
_LIVES = timedelta(hours=24)  # how long ACS keeps the files
_TWICE, _NEVER, _LATE, _GARBLED = 0.2, 0.1, 0.2, 0.04  # shares of callbacks
_LATEST = 3600.0
_NO_TIME = "0001-01-01T00:00:00+00:00"
_GARBAGE = ("not JSON", '{"id":"1"}', '[{"type":"Microsoft.Communication.RecordingStateChanged","data":{}}]', "[7]")


@dataclass
class CallAutomation:
    """Plays the calls of a run. `pending` is what it still has to do."""

    platform: Platform
    event_grid: EventGrid
    history: History
    plans: Sequence[CallPlan]
    pending: int = 0

    def start(self) -> None:
        self._recorder = self.platform.cluster.acs.recorder
        urls = CallbackUrls(self.platform.settings)
        self._calls_url = urls.of_any_call() if self.platform.settings.callback_audience else None
        for plan in self.plans:
            self._spawn(self._call(plan))

    def changed(self, recording: CallRecording, change: Change) -> None:
        """A recording changed in ACS: reports it, and publishes its files if it has ended."""
        if change is Change.ENDED:
            self._spawn(self._publish(recording))
        if recording.callback_url is not None:
            for delay, event in _state_events(recording, change):
                happened = self.platform.clock.now() + timedelta(seconds=delay)
                self._call_back(recording.callback_url, {**event, "time": happened.isoformat()}, delay)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        async def counted() -> None:
            await coroutine
            self.pending -= 1

        self.pending += 1
        self.platform.spawn(counted())

    async def _call(self, plan: CallPlan) -> None:
        await asyncio.sleep(plan.begins)
        for at, report in plan.reports:
            self._spawn(self._report(plan, at, report))
        await asyncio.sleep(plan.ends - plan.begins)
        self._recorder.end_call(plan.call, self.platform.clock.now())

    async def _report(self, plan: CallPlan, at: float, report: Report) -> None:
        await asyncio.sleep(at)
        if report is Report.STARTED:
            self.event_grid.publish(self.platform.loop.time(), [_call_started(plan)])
        elif self._calls_url is not None:
            data = {"serverCallId": plan.call.server_call_id, "callConnectionId": plan.call.connection_id}
            event = _cloud_event(report, f"calling/callConnections/{plan.call.connection_id}", data)
            self._call_back(self._calls_url, {**event, "time": self.platform.clock.now().isoformat()}, 0.0)

    # Callbacks

    def _call_back(self, url: str, event: dict[str, Any], delay: float) -> None:
        rng = self.platform.rng
        event = {**event, "id": self.platform.account.new_id()}
        if rng.random() < _GARBLED:
            self._spawn(self._post(url, rng.choice(_GARBAGE), None, delay))
        if rng.random() < _NEVER:
            return
        for _ in range(2 if rng.random() < _TWICE else 1):
            late = rng.uniform(0, _LATEST) if rng.random() < _LATE else 0.0
            self._spawn(self._post(url, json.dumps([event]), event, delay + late))

    async def _post(self, url: str, body: str, event: dict[str, Any] | None, delay: float) -> None:
        query = dict(parse_qsl(urlsplit(url).query))
        authorization = token(self.platform.settings.callback_issuer)

        async def receive(app: Any) -> None:
            await app.commands.callbacks(
                body.encode(), authorization=authorization, start_id=query.get("start"), signature=query.get("sig")
            )

        for pause in (delay, *_RETRIES):
            await asyncio.sleep(pause)
            if await self.platform.invoke("callbacks", receive) is Outcome.DONE:
                self._acknowledged(body, event, has_start="start" in query)
                return

    def _acknowledged(self, body: str, event: dict[str, Any] | None, *, has_start: bool) -> None:
        now = self.platform.loop.time()
        if event is None:
            self.history.callbacks.append(Callback(kind=None, at=now, unreadable=body))
            return
        kind = event["type"].rpartition(".")[2]
        recording_id = event["data"].get("recordingId")
        self.history.callbacks.append(Callback(kind=kind, recording_id=recording_id, has_start=has_start, at=now))
        if kind == Report.CONNECTED:
            self.history.reported[event["data"]["serverCallId"]].append(now)

    # Files

    async def _publish(self, recording: CallRecording) -> None:
        """Publishes the files of a recording in one or more events, some of them repeatedly."""
        plan = next(one for one in self.plans if one.call is recording.call)
        if plan.files_after is None:
            return
        await asyncio.sleep(plan.files_after)
        now, rng = self.platform.clock.now(), self.platform.rng
        made = [
            source(f"0-eus-{recording.recording_id}-{index}", index, size=size, expires=now + _LIVES)
            for index, size in enumerate(plan.sizes)
        ]
        self.platform.cluster.acs.documents.extend(made)
        event = event_of(recording.recording_id, tuple(made), self.platform.loop.time(), recording.call.server_call_id)
        chunks = event["data"]["recordingStorageInfo"]["recordingChunks"]
        for chunk in chunks[:-1]:
            chunk["endReason"] = "ChunkMaximumTimeExceeded"
        announced = [chunk for chunk in chunks if chunk["index"] not in plan.withheld]
        self.history.published[recording.recording_id] += [one for one in made if _names(announced, one.document_id)]
        for number, some in enumerate([[chunk] for chunk in announced] if plan.apart else [announced]):
            began = recording.began_at.isoformat()
            data = {**event["data"], "recordingStorageInfo": {"recordingChunks": some}, "recordingStartTime": began}
            one = {**event, "id": f"{event['id']}-{number}", "data": data}
            for _ in range(rng.choice((1, 1, 2))):
                at = self.platform.loop.time() + rng.choice((0.0, 0.1, 60.0)) * rng.random()
                self.event_grid.publish(at, [one], acknowledged=rng.random() > 0.1)  # noqa: PLR2004 - one in ten


def _names(chunks: list[dict[str, Any]], document_id: str) -> bool:
    return any(chunk["documentId"] == document_id for chunk in chunks)


def _state_events(recording: CallRecording, change: Change) -> Iterator[tuple[float, dict[str, Any]]]:
    """ACS's first callback of each recording says `inactive`, without a time; `active` follows a moment later."""
    at = recording.began_at
    match change:
        case Change.BEGAN:
            yield 0.01, _state_event(recording, "inactive", _NO_TIME)
            if not recording.is_paused:
                yield 0.1, _state_event(recording, "active", at.isoformat())
        case Change.FAILED:
            result = {"resultInformation": {"code": 500, "subCode": 9999, "message": "not started"}}
            yield 0.1, _recording_event(recording, "StartRecordingFailed", result)
        case _:
            yield 0.05, _state_event(recording, recording.state, at.isoformat())


def _state_event(recording: CallRecording, state: str, started_at: str) -> dict[str, Any]:
    return _recording_event(recording, "RecordingStateChanged", {"state": state, "startDateTime": started_at})


def _recording_event(recording: CallRecording, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    source = f"calling/recordings/{recording.call.server_call_id}/{recording.recording_id}/{kind}"
    about = {
        "recordingId": recording.recording_id,
        "serverCallId": recording.call.server_call_id,
        "callConnectionId": f"recorder-{recording.recording_id}",
    }
    return _cloud_event(kind, source, {**about, **data})


def _cloud_event(kind: str, source: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "source": source,
        "type": f"Microsoft.Communication.{kind}",
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "subject": source,
        "data": data,
    }


def _call_started(plan: CallPlan) -> dict[str, Any]:
    data: dict[str, Any] = {
        "serverCallId": plan.call.server_call_id,
        "isTwoParty": plan.kind == "twoParty",
        "isRoomsCall": plan.kind == "room",
    }
    return {
        "id": f"started-{plan.call.name}",
        "topic": "/subscriptions/0/resourceGroups/g/providers/Microsoft.Communication/CommunicationServices/contoso",
        "subject": f"call/{plan.call.server_call_id}/startedBy/unknown",
        "data": data,
        "eventType": "Microsoft.Communication.CallStarted",
        "dataVersion": "1.0",
        "metadataVersion": "1",
        "eventTime": plan.call.begins.isoformat(),
    }
