"""Lists of recordings. A recording that is missing from a list can't be found."""

import base64
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from shared.contracts.http.list_query import PARTICIPANT_HEADER
from shared.domain.failure import Failure
from shared.domain.keys import key_of
from shared.domain.list_entry import ListEntry, ListName
from shared.domain.records import Chunk, Recording
from shared.domain.states import ChunkState, RecordingState
from shared.errors import Fault
from shared.gateways.tables.lists import PARTITION
from tests.integration.queries.lists import NOON, page
from tests.integration.world import MakeWorld, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def ids(world: World, **parameters: str) -> list[str]:
    return [one["recordingId"] for one in (await page(world, **parameters))["recordings"]]


async def known(world: World, name: str, at: datetime, **more: Any) -> ListEntry:
    """Adds a recording without files to the ledger."""
    recording = Recording(recording_key=key_of(name), recording_id=name, listed_at=at, **more)
    await world.writers.recordings.merge(recording)
    return ListEntry(at=at, recording_key=recording.recording_key)


@pytest.mark.storage("memory", "azurite")
async def test_a_recording_is_listed_from_its_event_on_and_open_until_it_is_safe(world: World):
    first, _ = await world.announced(size=30_000, format="wav", count=2)  # longer, so it began earlier
    second, _ = await world.announced(size=30_000, format="wav")
    both = [second["recordingId"], first["recordingId"]]
    assert await ids(world) == both
    assert await ids(world, open="true") == both
    assert await ids(world, state="archiving") == both
    assert await ids(world, state="archived") == []
    await world.drained()
    assert await ids(world) == both
    assert await ids(world, open="true") == []
    assert await ids(world, state="archived") == both
    shown = (await page(world))["recordings"][1]
    assert shown["chunks"] == {"released": 2}
    assert shown["size"] == 60_000


async def test_unlinked_files_are_listed_shown_and_replayed_by_their_recording_key(world: World):
    event = (await world.document(size=20_000, format="wav"))["event"]
    event["subject"] = event["subject"].partition("/recordingId/")[0]
    event["data"].pop("recordingId", None)
    await world.app.intake.receive(event)
    (listed,) = (await page(world))["recordings"]
    assert (listed["recordingId"], listed["unlinked"], listed["state"]) == (None, True, "archiving")
    shown = json.loads((await world.commands.get(listed["recordingKey"])).body)
    assert (shown["recordingKey"], shown["state"], shown["acsState"]) == (
        listed["recordingKey"],
        "archiving",
        "unknown",
    )
    replayed = await world.commands.replay(listed["recordingKey"], by="ada")
    assert (replayed.status, json.loads(replayed.body)) == (202, {"chunks": 1})
    assert (await world.commands.get("0" * 32)).status == 404


async def test_days_are_in_utc_and_a_range_includes_both_ends(world: World):
    midnight = NOON.replace(hour=0)
    for name, at in {
        "before": midnight - timedelta(microseconds=1),
        "first": midnight,
        "last": midnight + timedelta(days=2, microseconds=-1),
        "after": midnight + timedelta(days=2),
    }.items():
        await known(world, name, at)
    days = {"from": "2026-03-14", "to": "2026-03-15"}
    assert await ids(world, **days) == ["last", "first"]
    assert await ids(world, **{"from": "2026-03-14"}) == ["after", "last", "first"]
    assert await ids(world, to="2026-03-15") == ["last", "first", "before"]
    assert await ids(world, **{"from": "2026-03-15"}, to="2026-03-15") == ["last"]


@pytest.mark.parametrize("name", ["call_id", "server_call_id", "call_connection_id", "correlation"])
async def test_a_call_s_recordings_are_found_by_its_ids_and_its_correlation(world: World, name: str):
    value, parameter = "case 4711/ü", to_camel(name)
    await known(world, "one", NOON, **{name: value}, control=RecordingState.ACTIVE)
    await known(world, "two", NOON + timedelta(days=40), **{name: value}, control=RecordingState.STOPPED)
    await known(world, "other", NOON, **{name: f"{value}0"})
    assert await ids(world, **{parameter: value}) == ["two", "one"]
    assert await ids(world, **{parameter: value}, state="active") == ["one"]
    assert await ids(world, **{parameter: value}, to="2026-03-14") == ["one"]
    assert await ids(world, **{parameter: value}, open="true") == ["two", "one"]
    assert await ids(world, **{parameter: "case"}) == []


@pytest.mark.storage("memory", "azurite")
async def test_pages_have_each_recording_once_even_if_others_are_added_meanwhile(world: World):
    names = [f"at-{number}" for number in range(7)]
    for number, name in enumerate(names):
        await known(world, name, NOON - timedelta(hours=9 * number))  # spread over several days
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        one = await page(world, limit="3", **cursor)
        found += [each["recordingId"] for each in one["recordings"]]
        if one["nextCursor"] is None:
            break
        cursor = {"cursor": one["nextCursor"]}
        await known(world, f"newer-{len(found)}", NOON + timedelta(hours=len(found)))
    assert found == names


@pytest.mark.storage("memory", "azurite")
async def test_a_failed_chunk_is_in_trouble_with_its_reason_until_it_is_replayed(world: World):
    made = await world.document(size=20_000, format="wav")
    await world.fault("download", "redirect", host="media.example.net", documentId=made["chunks"][0]["documentId"])
    await world.app.intake.receive(made["event"])
    await world.drained()
    (shown,) = (await page(world, trouble="true"))["recordings"]
    assert (shown["state"], shown["trouble"][0]["reason"]) == ("incomplete", "source-not-allowed")
    assert await ids(world, open="true") == [made["recordingId"]], "the sweep retries it"
    await world.commands.replay(made["recordingId"], by="ada")
    await world.drained()
    assert await ids(world, trouble="true") == []
    assert await ids(world, state="archived") == [made["recordingId"]]


async def test_a_chunk_that_fails_again_before_its_entry_is_removed_stays_in_trouble(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """A process that retried a chunk and was suspended before it removed the entry must not hide a later failure."""
    chunks, lists = world.writers.chunks, world.gateways.lists
    _, job = await world.announced(size=20_000, format="wav")

    async def fail() -> Chunk:
        return await chunks.replace(
            (await world.chunk(job)).evolve(
                state=ChunkState.FAILED, failure=Failure(fault=Fault.OURS, reason="poisoned", detail="poison")
            )
        )

    failed = await fail()
    remove = lists.remove

    async def thawed(*given: Any, **more: Any) -> None:
        await fail()
        await remove(*given, **more)

    with monkeypatch.context() as frozen:
        frozen.setattr(lists, "remove", thawed)
        await chunks.replace(failed.restarted(NOON))
    assert len(await ids(world, trouble="true")) == 1
    await chunks.replace((await world.chunk(job)).restarted(NOON))
    assert await ids(world, trouble="true") == []
    assert await lists.find(ListEntry.of_chunk(failed), ListName.TROUBLE) is None


async def test_a_recording_whose_files_are_overdue_is_in_trouble(world: World):
    await known(world, "missed", NOON, control=RecordingState.STOPPED, overdue_at=NOON + timedelta(hours=2))
    (shown,) = (await page(world, trouble="true"))["recordings"]
    assert (shown["state"], shown["trouble"][0]["reason"]) == ("overdue", "files-overdue")


@pytest.mark.parametrize("state", [RecordingState.FAILED, RecordingState.STOPPED])
async def test_failed_starts_and_recordings_of_other_code_are_found_by_their_state(
    make_world: MakeWorld, world: World, state: RecordingState
):
    await known(world, "came-to-nothing", NOON, control=RecordingState.FAILED)
    other = await make_world()
    call = await other.acs("POST", "/calls")
    start = json.dumps({"serverCallId": call["serverCallId"]}).encode()
    answer = await other.commands.start(
        start, url="https://other.example/api/recordings", idempotency_key=None, by="ada"
    )
    started = json.loads(answer.body)["recordingId"]
    await world.commands.stop(started, by="ada")
    expected = {RecordingState.FAILED: "came-to-nothing", RecordingState.STOPPED: started}
    assert await ids(world, state=state) == [expected[state]]
    assert await ids(world, open="true") == [started]


async def test_a_list_entry_without_a_recording_shows_nothing_and_hides_nothing(world: World):
    nowhere = ListEntry(at=NOON, recording_key=key_of("nowhere"))
    await world.gateways.lists.add(nowhere, ListName.DAY, ListName.TROUBLE)
    await known(world, "there", NOON - timedelta(hours=1))
    assert await ids(world) == ["there"]
    assert await ids(world, trouble="true") == []


async def test_one_request_looks_up_a_bounded_number_and_its_cursor_continues_there(world: World):
    await known(world, "last", NOON - timedelta(hours=1), correlation="sought")
    places = [ListEntry(at=NOON - timedelta(seconds=n), recording_key=key_of(f"nowhere {n}")) for n in range(250)]
    async with world.table(world.settings.calendar_table) as table:
        rows = [{"PartitionKey": PARTITION, "RowKey": place.row_in(ListName.DAY)} for place in places]
        for start in range(0, len(rows), 100):
            await table.submit_transaction([("create", row) for row in rows[start : start + 100]])
    first = await page(world)
    assert first["recordings"] == []
    assert await ids(world, cursor=first["nextCursor"]) == ["last"]


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "%%%",
        "ü",
        encoded("' or PartitionKey ne '"),
        encoded(f"{'9' * 18}-{'g' * 32}"),
        encoded(f"{'9' * 18}-{'a' * 32}-{'a' * 32}"),
        encoded(f"{'٣' * 18}-{'a' * 32}"),
        "A" * 300,
    ],
)
async def test_an_invalid_cursor_is_refused_and_the_parameter_is_named(world: World, cursor: str):
    answer = await world.queries.recordings({"cursor": cursor}, None, by="ada")
    assert (answer.status, json.loads(answer.body)["errors"][0]["field"]) == (400, "cursor")


@pytest.mark.parametrize(
    "others",
    [{"correlation": "sought"}, {"open": "true"}, {"from": "2026-03-14"}, {"state": "active"}],
    ids=lambda given: next(iter(given)),
)
async def test_a_cursor_is_refused_with_other_filters(world: World, others: dict[str, str]):
    """It would continue in the middle of another list, and leave recordings out."""
    for number in range(2):
        await known(world, str(number), NOON - timedelta(hours=number))
    cursor = (await page(world, limit="1"))["nextCursor"]
    assert await ids(world, cursor=cursor, limit="2") == ["1"]
    answer = await world.queries.recordings({"cursor": cursor, **others}, None, by="ada")
    (error,) = json.loads(answer.body)["errors"]
    assert (answer.status, error["field"]) == (400, "cursor")
    assert "other filters" in error["detail"]


@pytest.mark.parametrize("number", [0, 10**18 - 1])
async def test_a_forged_cursor_can_only_lead_to_another_page(world: World, number: int):
    await known(world, "one", NOON)
    await known(world, "two", NOON - timedelta(hours=1))
    honest = (await page(world, limit="1"))["nextCursor"]
    filters = base64.urlsafe_b64decode(honest + "==").decode().partition(".")[2]
    cursor = encoded(f"{number:018d}-{'a' * 32}.{filters}")
    assert (await world.queries.recordings({"cursor": cursor}, None, by="ada")).status in (200, 400)


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"state": "safe"}, "state"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"from": "yesterday"}, "from"),
        ({"from": "1700006400"}, "from"),
        ({"to": "2026-02-30"}, "to"),
        ({"from": "2026-03-15", "to": "2026-03-14"}, "from"),
        ({"open": "perhaps"}, "open"),
        ({"correlation": ""}, "correlation"),
        ({"day": "2026-03-14"}, "day"),
        ({"participant": "8:acs:someone"}, "participant"),
        ({PARTICIPANT_HEADER: "8:acs:someone"}, "participant"),
    ],
)
async def test_a_wrong_parameter_is_named_and_its_value_not_repeated(
    world: World, parameters: dict[str, str], field: str
):
    answer = await world.queries.recordings(parameters, None, by="ada")
    assert (answer.status, json.loads(answer.body)["errors"][0]["field"]) == (400, field)
    assert "someone" not in answer.body


async def test_a_list_shows_how_many_participants_took_part_once_the_metadata_is_archived(world: World):
    people = [{"id": f"8:acs:{one}"} for one in "abc"]
    await world.announced(size=30_000, format="wav", participants=people)

    async def shown() -> list[int | None]:
        page = json.loads((await world.queries.recordings({}, None, by="ada")).body)
        return [one["participants"] for one in page["recordings"]]

    assert await shown() == [None]
    await world.drained()
    assert await shown() == [3]
