"""An event has the same result through every entrance. Otherwise a replay could lose what a delivery would archive."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from shared.contracts.events.recording_event import UnreadableEvent, read_event
from shared.domain.keys import key_of, unlinked_key
from tests.acceptance.conftest import Deployment, deployed, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVENTS = Path(__file__).parent.parent / "events"
FILES = sorted(path.stem for path in EVENTS.glob("*.json"))
GRID_TO_CLOUD = {"topic": "source", "eventType": "type", "eventTime": "time"}
ADDED = {"deadLetterReason": "MaxDeliveryAttemptsExceeded", "deliveryAttempts": 30, "lastDeliveryOutcome": "Busy"}
SAID = (
    *(
        "documentId",
        "index",
        "endReason",
        "contentLocation",
        "metadataLocation",
        "deleteLocation",
        "content",
        "channel",
    ),
    *("format", "recordingId", "serverCallId", "callId", "durationMs", "sessionEndReason", "unlinked"),
)
TIMED = ("startedAt", "eventTime", "announcedAt", "deadline", "listedAt")  # if estimated, they depend on the clock


@dataclass(frozen=True)
class Entry:
    """An event with ids of its own, which are recognized by the mark in them, and a name for it in storage."""

    event: dict[str, Any]
    mark: str

    @classmethod
    def of(cls, file: str) -> "Entry":
        """The event of a file, with its own ids of event, call, recording and documents."""
        mark = uuid.uuid4().hex[:8]
        text = (EVENTS / f"{file}.json").read_text()
        for beginning in ("7283825e-", "411f6d00-", "aHR0cHM6", "eyJQbGF0", "0-wus-d4-", "0-eus-d7-"):
            text = text.replace(beginning, f"{mark}{beginning}")
        return cls(json.loads(text), mark)


@dataclass(frozen=True)
class Result:
    """What became of an event: whether it is in the quarantine, and its chunks' rows."""

    quarantined: bool
    rows: list[dict[str, str]]


type Enter = Callable[[Deployment, list[Entry]], Awaitable[list[bool]]]
type Results = dict[str, dict[str, Result]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def deployment(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    async with deployed(tmp_path_factory.mktemp("stack")) as running:
        yield running


def as_cloud_event(event: dict[str, Any]) -> dict[str, Any]:
    kept = {GRID_TO_CLOUD.get(name, name): value for name, value in event.items() if not name.endswith("Version")}
    return {"specversion": "1.0", **kept}


def as_grid_event(event: dict[str, Any]) -> dict[str, Any]:
    names = {cloud: grid for grid, cloud in GRID_TO_CLOUD.items()}
    kept = {names.get(name, name): value for name, value in event.items() if name != "specversion"}
    return {**kept, "dataVersion": "1.0", "metadataVersion": "1"}


async def through_the_trigger(deployment: Deployment, entries: list[Entry]) -> list[bool]:
    return [await delivered(deployment, as_grid_event(entry.event)) for entry in entries]


async def through_the_trigger_as_a_cloud_event(deployment: Deployment, entries: list[Entry]) -> list[bool]:
    return [await delivered(deployment, as_cloud_event(entry.event)) for entry in entries]


async def delivered(deployment: Deployment, event: dict[str, Any]) -> bool:
    assert await deployment.deliver(event if "specversion" in event else [event]) == 202
    return await in_quarantine(deployment, event)


async def by_hand(deployment: Deployment, entries: list[Entry]) -> list[bool]:
    return [await submitted(deployment, entry.event) for entry in entries]


async def submitted(deployment: Deployment, event: dict[str, Any]) -> bool:
    status, body, _ = await deployment.call("POST", "/api/events", data=json.dumps(event), headers=deployment.operator)
    assert status == 202, body
    return await in_quarantine(deployment, event)


async def from_the_dead_letters(deployment: Deployment, entries: list[Entry]) -> list[bool]:
    """Also dead-letters a last blob: once that is processed, all events were processed. An ignored event stays."""
    letters = [{**entry.event, **ADDED} for entry in entries]
    async with deployment.container("deadletter") as container:
        for entry, letter in zip(entries, letters, strict=True):
            await container.upload_blob(f"RECORDINGS/{entry.mark}.json", json.dumps([letter]).encode())
        last = container.get_blob_client("RECORDINGS/last.json")
        await last.upload_blob(json.dumps([{"id": "last"}]).encode())
        headers = {"x-functions-key": deployment.where.master_key, "Content-Type": "application/json"}
        where = f"{deployment.where.functions}/admin/functions/process_dead_letters"
        async with deployment.http.post(where, data='{"input": ""}', headers=headers) as response:
            assert response.status == 202

        async def taken_in() -> bool:
            return not await last.exists()

        await until(taken_in)
    return [await in_quarantine(deployment, letter) for letter in letters]


async def from_the_quarantine(deployment: Deployment, entries: list[Entry]) -> list[bool]:
    return [await replayed(deployment, entry) for entry in entries]


async def replayed(deployment: Deployment, entry: Entry) -> bool:
    name = key_of(entry.mark)
    kept = json.dumps({"reason": "an older version", "event": entry.event})
    async with deployment.container("quarantine") as container:
        await container.upload_blob(f"{name}.json", kept.encode())
    status, body, _ = await deployment.call("POST", f"/api/quarantine/{name}/replay", headers=deployment.operator)
    assert status in (202, 400), body
    return status == 400 or await in_quarantine(deployment, entry.event)


ENTRANCES: list[Enter] = [
    through_the_trigger,
    through_the_trigger_as_a_cloud_event,
    by_hand,
    from_the_dead_letters,
    from_the_quarantine,
]


async def in_quarantine(deployment: Deployment, event: dict[str, Any]) -> bool:
    name = f"{key_of(json.dumps(event, sort_keys=True))}.json"
    async with deployment.container("quarantine") as container:
        return await container.get_blob_client(name).exists()


async def recorded(deployment: Deployment, entry: Entry) -> list[dict[str, str]]:
    """The rows of the event's recording in the catalogue, with the fields that come from the event."""
    try:
        read = read_event(entry.event)
    except UnreadableEvent:
        return []
    documents = sorted(chunk.document_id for chunk in read.files.chunks)
    if not documents:
        return []
    key = key_of(read.recording_id) if read.recording_id else unlinked_key(documents[0])
    columns = SAID + (TIMED if read.event_time else ())
    async with deployment.table("recordings") as table:
        rows = [
            row
            async for row in table.query_entities("PartitionKey eq @key and RowKey ge 'chunk'", parameters={"key": key})
        ]
    found = [{name: str(row[name]).replace(entry.mark, "") for name in columns if name in row} for row in rows]
    return sorted(found, key=lambda one: one.get("documentId", ""))


async def entered(deployment: Deployment, enter: Enter) -> dict[str, Result]:
    """The result of each file's event through this entrance."""
    entries = [Entry.of(file) for file in FILES]
    quarantined = await enter(deployment, entries)
    rows = [await recorded(deployment, entry) for entry in entries]
    return dict(zip(FILES, map(Result, quarantined, rows), strict=True))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def results(deployment: Deployment) -> Results:
    """The results of all events, by entrance."""
    found = await asyncio.gather(*(entered(deployment, enter) for enter in ENTRANCES))
    return {enter.__name__: result for enter, result in zip(ENTRANCES, found, strict=True)}


@pytest.mark.parametrize("name", FILES)
async def test_an_event_has_the_same_result_through_every_entrance(results: Results, name: str):
    first = results[through_the_trigger.__name__][name]
    assert {entrance: found[name] for entrance, found in results.items()} == dict.fromkeys(results, first)
    match name:
        case _ if name.startswith("broken"):
            assert first == Result(True, [])
        case _ if name.startswith(("own-storage", "other-type")):
            assert first == Result(False, [])
        case _:
            assert first.quarantined == (name == "several-chunks-one-broken")
            assert any("documentId" in row for row in first.rows)


@pytest.mark.parametrize("time", ["yesterday", "0001-01-01T00:00:00Z", "", None, 17, "2026-11-21T09:07:11 CET"])
async def test_an_event_with_a_time_that_the_worker_library_can_t_parse_is_taken_in(deployment: Deployment, time: Any):
    entry = Entry.of("current")
    entry.event["eventTime"] = time
    assert await deployment.deliver([entry.event]) == 202
    assert await recorded(deployment, entry)


async def test_answers_of_the_host_itself_are_not_cached_and_not_sniffed(deployment: Deployment):
    for path, expected in (("/api/recordings", 401), ("/api/nothing", 404), ("/", 204)):
        async with deployment.http.get(deployment.where.functions + path) as response:
            assert (response.status, await response.read()) == (expected, b""), path
            assert response.headers["X-Content-Type-Options"] == "nosniff", path
            assert response.headers["Cache-Control"] == "no-store", path


async def test_a_body_over_four_mebibytes_never_reaches_the_app(deployment: Deployment):
    async with deployment.http.post(f"{deployment.where.functions}/api/callbacks", data=b" " * (2**22 + 1)) as response:
        assert (response.status, await response.read()) == (500, b"")
