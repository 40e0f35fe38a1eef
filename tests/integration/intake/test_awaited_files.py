"""A recording is watched until all its files are announced. Otherwise a file that never comes is lost silently."""

import json
from typing import Any

import pytest

from shared.domain.keys import key_of
from shared.domain.list_entry import ListName
from shared.domain.work_item import WorkItem
from tests.integration.world import MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

KIB = 1024
CHUNK_ENDED = "ChunkMaximumSizeExceeded"


async def started(world: World) -> tuple[str, str]:
    call = await world.acs("POST", "/calls", kind="group", participants=2)
    body = json.dumps({"serverCallId": call["serverCallId"]}).encode()
    answer = await world.commands.start(body, url="https://x/api/recordings", idempotency_key=None, by="ada")
    return str(json.loads(answer.body)["recordingId"]), str(call["callId"])


async def events_of(world: World, **order: Any) -> tuple[str, list[dict[str, Any]]]:
    """A recording's id, and one event for each chunk instead of the simulator's single event."""
    made = await world.document(size=2 * KIB, **order)
    event = made["event"]
    files = event["data"]["recordingStorageInfo"]
    return made["recordingId"], [
        event
        | {"id": f"{event['id']}-{number}"}
        | {"data": event["data"] | {"recordingStorageInfo": files | {"recordingChunks": [chunk]}}}
        for number, chunk in enumerate(files["recordingChunks"])
    ]


async def take_in(world: World, *events: dict[str, Any]) -> None:
    for event in events:
        await world.app.intake.receive(event)
    await world.drained()


async def state(world: World, recording_id: str) -> str:
    return str(json.loads((await world.commands.get(recording_id)).body)["state"])


async def archive(world: World, recording_id: str) -> tuple[int, str | None]:
    answer = await world.commands.archive(recording_id, url="https://x/api/recordings", by="ada")
    body = json.loads(answer.body)
    return answer.status, body.get("reason") or body.get("waitingFor")


async def rows(world: World) -> list[str]:
    async with world.table(world.settings.worklist_table) as table:
        return [row["RowKey"] async for row in table.list_entities()]


async def listed(world: World, heading: str) -> int:
    places = world.gateways.lists.read(heading, first=None, last=None, after=None, at_once=9)
    return len([place async for some in places for place in some])


def missed(caplog: pytest.LogCaptureFixture) -> int:
    return len([one for one in caplog.records if one.__dict__.get("action") == "overdue"])


@pytest.mark.storage("memory", "azurite")
async def test_a_chunk_that_is_never_announced_is_reported_for_two_days(
    world: World, clock: MovableClock, caplog: pytest.LogCaptureFixture
):
    recording_id, _ = await started(world)
    _, (first, _) = await events_of(world, count=2, recordingId=recording_id)
    await take_in(world, first)
    assert await state(world, recording_id) == "archiving", "more files are awaited"
    await world.commands.stop(recording_id, by="ada")
    assert await archive(world, recording_id) == (202, "files")
    clock.forward(minutes=121)
    await world.app.sweep.run()
    assert missed(caplog) == 1
    assert await state(world, recording_id) == "overdue"
    assert await archive(world, recording_id) == (409, "files-overdue")
    trouble = json.loads((await world.queries.recordings({"trouble": "true"}, None, by="ada")).body)["recordings"]
    assert [(one["state"], one["trouble"][0]["reason"]) for one in trouble] == [("overdue", "files-overdue")]
    clock.forward(minutes=31)
    await world.app.sweep.run()
    assert missed(caplog) == 2
    clock.forward(hours=48)
    await world.app.sweep.run()
    assert await rows(world) == []
    assert await state(world, recording_id) == "overdue"


async def test_a_missing_index_is_reported_even_if_the_last_chunk_is_announced(
    world: World, clock: MovableClock, caplog: pytest.LogCaptureFixture
):
    recording_id, (first, middle, last) = await events_of(world, count=3)
    await take_in(world, last, first)
    assert await state(world, recording_id) == "archiving"
    clock.forward(minutes=121)
    await world.app.sweep.run()
    assert (missed(caplog), await state(world, recording_id)) == (1, "overdue")
    await take_in(world, middle)
    assert await state(world, recording_id) == "archived"
    clock.forward(minutes=31)
    await world.app.sweep.run()
    assert (missed(caplog), await rows(world), await listed(world, ListName.TROUBLE)) == (1, [], 0)


async def test_a_recording_that_still_runs_after_its_first_chunk_is_not_reported(
    world: World, clock: MovableClock, caplog: pytest.LogCaptureFixture
):
    recording_id, call_id = await started(world)
    _, (first, last) = await events_of(world, count=2, recordingId=recording_id)
    await take_in(world, first)
    for _ in range(6):  # one chunk lasts four hours
        clock.forward(minutes=45)
        await world.app.sweep.run()
    assert (missed(caplog), await archive(world, recording_id)) == (0, (202, "recording"))
    await world.acs("POST", f"/calls/{call_id}/end")
    clock.forward(minutes=31)
    await world.app.sweep.run()
    await take_in(world, last)
    assert (await state(world, recording_id), (await archive(world, recording_id))[0]) == ("archived", 200)
    clock.forward(minutes=121)
    await world.app.sweep.run()
    assert (missed(caplog), await rows(world)) == (0, [])


async def test_a_recording_that_other_code_started_is_watched_from_its_first_event(
    world: World, clock: MovableClock, caplog: pytest.LogCaptureFixture
):
    recording_id, (first, _) = await events_of(world, count=2)
    await take_in(world, first)
    clock.forward(minutes=121)
    await world.app.sweep.run()
    assert missed(caplog) == 0, "ACS knows it no more: from now on its files are due"
    clock.forward(minutes=121)
    await world.app.sweep.run()
    assert (missed(caplog), await state(world, recording_id)) == (1, "overdue")


async def test_a_recording_whose_events_give_no_end_reason_is_not_watched_for_ever(
    world: World, clock: MovableClock, caplog: pytest.LogCaptureFixture
):
    recording_id, (event,) = await events_of(world)
    data = event["data"]
    del data["recordingStorageInfo"]["recordingChunks"][0]["endReason"]
    data.pop("sessionEndReason", None)
    await take_in(world, event)
    assert (await archive(world, recording_id))[0] == 200, "ACS doesn't know it any more, so it has ended"
    clock.forward(minutes=121)
    await world.app.sweep.run()
    assert (missed(caplog), await rows(world), await state(world, recording_id)) == (0, [], "archived")


async def test_a_recording_whose_files_come_in_one_event_is_not_watched(world: World):
    recording_id, _ = await started(world)
    made = await world.document(size=2 * KIB, count=2, recordingId=recording_id)
    await world.app.intake.receive(made["event"])
    assert [row for row in await rows(world) if not row[0].isdigit()] == []


async def test_an_overdue_recording_leaves_the_trouble_list_when_its_files_are_announced(
    world: World, clock: MovableClock
):
    recording_id, _ = await started(world)
    await world.commands.stop(recording_id, by="ada")
    clock.forward(minutes=121)
    await world.app.sweep.run()
    assert await listed(world, ListName.TROUBLE) == 1
    made = await world.document(size=2 * KIB, recordingId=recording_id)
    await take_in(world, made["event"])
    assert await state(world, recording_id) == "archived"
    clock.forward(minutes=6)
    await world.app.sweep.run()
    assert (await listed(world, ListName.TROUBLE), await rows(world)) == (0, [])


async def test_an_intake_that_was_suspended_doesn_t_end_the_watch_of_a_later_event(world: World, clock: MovableClock):
    recording_id, _ = await started(world)
    _, (first, _, _) = await events_of(world, count=3, recordingId=recording_id)
    await take_in(world, first)
    key = key_of(recording_id)
    await world.writers.open_work.remove(
        WorkItem.of_recording(key, recording_id, clock.now())
    )  # the suspended intake continues
    assert await rows(world) == [f"files-{key}"]
