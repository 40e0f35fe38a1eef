"""Actions in ACS and reads of participants are in the audit, even if the ledger was wrong or unavailable."""

import asyncio
import json
from typing import Any

import pytest
import pytest_asyncio

from local.stack import Azurite
from shared.domain.clock import SystemClock
from shared.domain.keys import key_of, pseudonym_of
from shared.domain.records import AuditEntry, Recording
from shared.domain.states import RecordingState
from shared.domain.work_item import WorkItem
from shared.errors import DestinationUnavailable
from shared.http.answers import Answer
from shared.queries.downloads import File
from shared.recording.unwritten_audit import reported_if_unwritten
from tests.integration.recording.control import call, json_of, start
from tests.integration.storagefront import Mishap, StorageFront, through
from tests.integration.world import MakeWorld, QuickClock, World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.storage("azurite")]

ADA = "8:acs:11111111-aaaa_00000024-0001"
UNWRITTEN = "audit entry not written {"


@pytest_asyncio.fixture(loop_scope="session")
async def world(make_world: MakeWorld, azurite: Azurite, table_front: StorageFront) -> World:
    """A world whose tables are behind the storage table_front. Pauses take no time."""
    made: World = await make_world(clock=QuickClock(), AzureWebJobsStorage=through(azurite, table_front))
    return made


async def running(world: World) -> str:
    made = await call(world)
    answer = await start(world, serverCallId=made["serverCallId"])
    assert answer.status == 201, answer.body
    return str(json_of(answer)["recordingId"])


async def believe(world: World, recording_id: str, control: RecordingState) -> None:
    """Sets a wrong state in the ledger, as if other code had acted in ACS."""
    await world.writers.recordings.merge(Recording(recording_key=key_of(recording_id), control=control))


async def awaited(world: World) -> list[WorkItem]:
    return [item async for item in world.gateways.worklist.due(SystemClock().now().replace(year=2100))]


async def history(world: World, recording_id: str) -> list[tuple[str, str]]:
    entries = await world.gateways.audit.history(key_of(recording_id))
    return [(entry.action, entry.by) for entry in entries]


@pytest.mark.parametrize(
    ("before", "action", "believed"),
    [
        ((), "pause", RecordingState.PAUSED),
        (("pause",), "resume", RecordingState.ACTIVE),
        ((), "stop", RecordingState.STOPPED),
        ((), "stop", RecordingState.FAILED),
    ],
)
async def test_an_action_in_acs_is_in_the_audit_even_if_the_ledger_had_that_state_already(
    world: World, before: tuple[str, ...], action: str, believed: RecordingState
):
    recording_id = await running(world)
    for one in before:
        await getattr(world.commands, one)(recording_id, by="bob")
    await believe(world, recording_id, believed)
    answer = await getattr(world.commands, action)(recording_id, by="ada")
    assert answer.status == 200, answer.body
    assert (await history(world, recording_id))[-1] == (action, "ada")
    assert json_of(answer)["history"][-1]["action"] == action


async def test_the_files_of_a_recording_reported_as_failed_are_awaited_after_acs_could_stop_it(world: World):
    recording_id = await running(world)
    await believe(world, recording_id, RecordingState.FAILED)
    for item in await awaited(world):
        await world.writers.open_work.remove(item)  # as the callback of the failed start did
    stopped = await world.commands.stop(recording_id, by="ada")
    assert json_of(stopped)["state"] == "stopped"
    assert [item.recording_id for item in await awaited(world)] == [recording_id]


async def test_stopping_a_recording_that_had_ended_adds_no_audit_entry(world: World):
    recording_id = await running(world)
    await world.commands.stop(recording_id, by="ada")
    await world.commands.stop(recording_id, by="too late")
    assert await history(world, recording_id) == [("start", "ada"), ("stop", "ada")]


@pytest.mark.parametrize("stale", [False, True])
async def test_an_audit_entry_that_can_t_be_written_is_an_error_line_with_all_of_the_entry(
    world: World, table_front: StorageFront, caplog: pytest.LogCaptureFixture, stale: bool
):
    recording_id = await running(world)
    if stale:
        await believe(world, recording_id, RecordingState.STOPPED)
    table_front.spoil("POST", Mishap.REFUSED, times=1, path=world.settings.recordings_table if stale else "$batch")
    answer = await world.commands.stop(recording_id, by="ada")
    assert answer.status == 503, answer.body
    (line,) = [one.getMessage() for one in caplog.records if one.getMessage().startswith(UNWRITTEN)]
    entry = json.loads(line.removeprefix("audit entry not written "))
    assert (entry["action"], entry["by"], entry["recording_key"]) == ("stop", "ada", key_of(recording_id))
    assert entry["at"]


async def test_a_start_is_in_the_audit_even_if_the_first_writes_to_the_ledger_failed(
    world: World, table_front: StorageFront, caplog: pytest.LogCaptureFixture
):
    table_front.spoil("POST", Mishap.REFUSED, times=2, path="$batch")
    recording_id = await running(world)
    assert await history(world, recording_id) == [("start", "ada")]
    assert UNWRITTEN not in caplog.text


async def test_if_the_entry_of_a_start_can_t_be_written_an_error_is_logged_and_the_caller_gets_the_id(
    world: World, table_front: StorageFront, caplog: pytest.LogCaptureFixture
):
    table_front.spoil("POST", Mishap.REFUSED, times=3, path="$batch")
    recording_id = await running(world)
    (line,) = [one.getMessage() for one in caplog.records if one.getMessage().startswith(UNWRITTEN)]
    entry = json.loads(line.removeprefix("audit entry not written "))
    assert (entry["action"], entry["by"], entry["recording_key"]) == ("start", "ada", key_of(recording_id))


async def test_a_start_without_a_recording_id_and_without_callbacks_logs_its_caller(
    world: World, caplog: pytest.LogCaptureFixture
):
    made = await call(world)
    await world.fault("start", "accepted", unnamed=True, callId=made["callId"])
    fields = {"serverCallId": made["serverCallId"], "stateCallbackUrl": "https://other.example/callbacks"}
    answer = await start(world, **fields)
    assert (answer.status, json_of(answer)["recordingId"]) == (202, None)
    (line,) = [one.getMessage() for one in caplog.records if "start accepted without a recordingId" in one.getMessage()]
    assert json.loads(line[line.index("{") :])["by"] == "ada"


async def archived(world: World) -> dict[str, Any]:
    made, _ = await world.announced(size=20_000, format="wav", participants=[{"id": ADA}])
    await world.drained()
    return made


async def read(world: World, made: dict[str, Any], what: str) -> Answer:
    if what == "timeline":
        return await world.queries.timeline(made["recordingId"], by="ada")
    return await world.commands.archive(made["recordingId"], url="https://x/api/recordings/x/archive", by="ada")


@pytest.mark.parametrize("what", ["timeline", "archive"])
async def test_a_read_of_a_recording_s_participants_is_in_the_audit(world: World, what: str):
    made = await archived(world)
    assert ADA in (await read(world, made, what)).body
    assert await history(world, made["recordingId"]) == [(f"read {what}", "ada")]


@pytest.mark.parametrize("what", ["timeline", "archive"])
async def test_participants_are_not_shown_if_the_audit_entry_can_t_be_written(
    world: World, table_front: StorageFront, what: str
):
    made = await archived(world)
    table_front.spoil("POST", Mishap.REFUSED, times=1, path=world.settings.recordings_table)
    answer = await read(world, made, what)
    assert answer.status == 503
    assert ADA not in answer.body
    assert await history(world, made["recordingId"]) == []


@pytest.mark.parametrize("what", ["timeline", "archive"])
async def test_an_answer_without_participants_adds_no_audit_entry(world: World, what: str):
    made, _ = await world.announced(size=20_000, format="wav", participants=[{"id": ADA}])
    assert (await read(world, made, what)).status in (200, 202)
    assert await history(world, made["recordingId"]) == []


async def test_a_search_for_a_participant_is_logged_with_the_caller_and_the_pseudonym(
    world: World, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level("INFO"):
        assert (await world.queries.recordings({}, ADA, by="ada")).status == 200
        assert (await world.queries.recordings({}, None, by="bob")).status == 200
    (line,) = [one.getMessage() for one in caplog.records if "participant search" in one.getMessage()]
    said = json.loads(line[line.index("{") :])
    assert (said["pseudonym"], said["by"]) == (pseudonym_of(ADA, world.settings.participants_secret), "ada")
    assert ADA not in caplog.text


async def test_the_history_names_the_file_that_was_read(world: World):
    made = await archived(world)
    path = {"recordingId": made["recordingId"], "documentId": made["chunks"][0]["documentId"]}
    chunk = await world.chunk(world.job(made))
    audit = world.gateways.audit
    for file, name in ((File.CONTENT, chunk.blob_name), (File.METADATA, chunk.metadata_blob_name)):
        await world.queries.link(file, path, {}, by="ada")
        entry = (await audit.history(key_of(made["recordingId"])))[-1]
        assert (entry.action, entry.details["blobName"]) == (f"read {file}", name)


@pytest.mark.parametrize("error", [asyncio.CancelledError(), RuntimeError("a defect"), DestinationUnavailable("away")])
async def test_an_unwritten_audit_entry_is_reported_after_every_kind_of_error(
    caplog: pytest.LogCaptureFixture, error: BaseException
):
    entry = AuditEntry(at=SystemClock().now(), action="stop", by="ada")
    with pytest.raises(type(error)), reported_if_unwritten(entry, key_of("recording")):
        raise error
    assert UNWRITTEN in caplog.text
    assert "a defect" not in caplog.text
