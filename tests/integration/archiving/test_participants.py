"""Search by participant: recordings are found by a participant's id, which is in no table and no log."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.keys import key_of, pseudonym_of
from shared.domain.list_entry import ListEntry, ListName
from shared.domain.records import Recording
from shared.domain.states import ChunkState, RecordingState
from shared.domain.work_item import WorkItem
from shared.recovery.rebuild import Rebuild
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

ADA = "8:acs:11111111-aaaa_00000024-0001"
BEN = "4:+49301234567"


async def ids(world: World, participant: str, **parameters: str) -> list[str]:
    answer = await world.queries.recordings(parameters, participant, by="ada")
    assert answer.status == 200, answer.body
    return [one["recordingId"] for one in json.loads(answer.body)["recordings"]]


async def announced(world: World, *participants: str, **order: Any) -> dict[str, Any]:
    named = [{"id": one} for one in participants]
    made, _ = await world.announced(size=30_000, format="wav", participants=named, **order)
    return made


async def rows(world: World) -> str:
    """All rows of all tables of a world."""
    return "\n".join([str(row) for name in world.settings.tables for row in await world.rows(name)])


async def test_a_person_s_recordings_are_found_newest_first_for_every_spelling_of_the_id(world: World):
    first = await announced(world, ADA, BEN, count=2)  # so it started earlier
    second = await announced(world, ADA)
    await announced(world, BEN)
    await world.drained()
    both = [second["recordingId"], first["recordingId"]]
    assert await ids(world, ADA) == both
    assert await ids(world, f" {ADA.upper()} ") == both
    assert await ids(world, ADA, state="archived", limit="1") == both[:1]
    assert await ids(world, ADA, trouble="true") == []
    assert await ids(world, ADA[:-1]) == []


async def test_no_table_and_no_log_contains_a_participant_s_id(world: World, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG):
        await announced(world, ADA, BEN)
        await world.drained()
        assert len(await ids(world, BEN)) == 1
        await world.queries.recordings({"state": "wrong"}, BEN, by="ada")
        await world.queries.recordings({}, BEN * 400, by="ada")
    for person in (ADA, BEN):
        assert person not in await rows(world)
        assert person not in caplog.text
        assert person.lower() not in caplog.text.lower()


async def test_a_reader_of_the_table_can_t_test_guessed_ids_without_the_secret(make_world: MakeWorld):
    world = await make_world(PARTICIPANTS_SECRET="a secret of its own, and long")
    made = await announced(world, BEN)
    await world.drained()
    found = await rows(world)
    assert ListName.PARTICIPANT.of(pseudonym_of(BEN, "a secret of its own, and long")) in found
    assert ListName.PARTICIPANT.of(pseudonym_of(BEN, "")) not in found
    assert await ids(world, BEN) == [made["recordingId"]]


@pytest.mark.storage("memory", "azurite")
async def test_without_a_secret_no_digest_is_written_and_a_search_names_the_setting(make_world: MakeWorld):
    keyless = await make_world(PARTICIPANTS_SECRET=None)
    made = await announced(keyless, BEN)
    await keyless.drained()
    assert (await keyless.chunk(keyless.job(made))).state is ChunkState.RELEASED
    assert await keyless.rows(keyless.settings.participants_table) == []
    answer = await keyless.queries.recordings({}, BEN, by="ada")
    assert (answer.status, json.loads(answer.body)["reason"]) == (403, "participants-off")
    assert "PARTICIPANTS_SECRET" in json.loads(answer.body)["detail"]

    keyed = await make_world(like=keyless, PARTICIPANTS_SECRET="a secret of its own, and long")
    await Rebuild(keyed.gateways, keyed.settings).run(apply=True)
    assert await ids(keyed, BEN) == [made["recordingId"]]


async def test_a_person_is_also_found_on_a_recording_whose_media_failed(world: World):
    made = await world.document(size=20_000, format="wav", participants=[{"id": ADA}])
    await world.fault("download", "redirect", host="media.example.net", documentId=made["chunks"][0]["documentId"])
    await world.app.intake.receive(made["event"])
    await world.drained()
    assert await ids(world, ADA, trouble="true") == [made["recordingId"]]


async def test_a_recording_is_archived_although_the_list_of_participants_can_t_be_written(
    make_world: MakeWorld, world: World, clock: MovableClock, caplog: pytest.LogCaptureFixture
):
    name = f"{world.settings.participants_table}late"
    broken = await make_world(like=world, clock=clock, PARTICIPANTS_TABLE=name, MAX_ATTEMPTS=2)
    async with world.table(name) as table:
        await table.delete_table()
    made = await announced(broken, ADA)
    await broken.drained()
    assert (await broken.chunk(broken.job(made))).state is ChunkState.PENDING
    clock.forward(hours=12, minutes=1)
    await broken.app.sweep.run()
    await broken.drained()
    assert (await broken.chunk(broken.job(made))).state is ChunkState.RELEASED
    assert "participants not listed" in caplog.text

    async with world.table(name) as table:
        await table.create_table()
    assert await ids(broken, ADA) == []
    assert (await Rebuild(broken.gateways, broken.settings).run(apply=True)).listed == 1
    assert await ids(broken, ADA) == [made["recordingId"]]


@pytest.mark.parametrize("written", ["+49 30 1234567", "0049 30 1234567", "+49301234567", "4:+49 30 1234567"])
async def test_a_number_is_found_however_it_is_written(world: World, written: str):
    made = await announced(world, BEN)
    await announced(world, ADA)
    await world.drained()
    assert await ids(world, written) == [made["recordingId"]]


async def test_a_number_that_acs_wrote_in_another_form_is_found_too(world: World):
    made = await announced(world, "4:0049 30 1234567")
    await world.drained()
    assert await ids(world, BEN) == await ids(world, "4:0049 30 1234567") == [made["recordingId"]]


@pytest.mark.storage("memory", "azurite")
async def test_entries_of_an_earlier_version_are_found_beside_new_ones(world: World):
    """Earlier versions listed a raw ID under its own spelling."""
    earlier, odd = await announced(world, ADA), "4:0049 30 1234567"
    newer = await announced(world, odd)
    await world.drained()
    chunk = await world.chunk(world.job(earlier))
    secret = world.settings.participants_secret
    assert secret is not None
    await world.gateways.participants.add(ListEntry.of_chunk(chunk), ListName.PARTICIPANT.of(pseudonym_of(odd, secret)))
    assert await ids(world, odd) == [newer["recordingId"], earlier["recordingId"]]
    (first,) = await ids(world, odd, limit="1")
    assert first == newer["recordingId"]


async def test_what_can_t_be_a_person_s_id_is_refused_without_repeating_it(world: World):
    answer = await world.queries.recordings({}, "030 1234567", by="ada")
    (error,) = json.loads(answer.body)["errors"]
    assert (answer.status, error["field"]) == (400, "X-Participant-Id")
    assert "+49 30 1234567" in error["detail"]
    assert "030 1234567" not in answer.body.replace("+49 30 1234567", "").replace("0049 30 1234567", "")


async def not_indexed(world: World, participant: str = BEN, **parameters: str) -> Any:
    answer = await world.queries.recordings(parameters, participant, by="ada")
    return json.loads(answer.body)["notIndexed"]


@pytest.mark.storage("memory", "azurite")
async def test_a_search_says_how_many_recordings_it_can_t_find_yet_and_why(world: World):
    await announced(world, BEN)
    await world.drained()
    assert await not_indexed(world) == {"recordings": 0, "byState": {}, "complete": True}
    await announced(world, BEN)
    lost = await world.document(size=20_000, format="wav", participants=[{"id": BEN}])
    for operation in ("download", "metadata"):
        await world.fault(operation, "redirect", host="media.example.net", documentId=lost["chunks"][0]["documentId"])
    await world.app.intake.receive(lost["event"])
    listed = datetime.now(UTC)
    running = Recording(recording_key=key_of("r"), recording_id="r", control=RecordingState.ACTIVE, listed_at=listed)
    await world.writers.recordings.merge(running)
    item = WorkItem.of_recording(key_of("r"), "r", listed, listed)
    await world.writers.open_work.add(item)
    found = await not_indexed(world)
    assert (found["recordings"], found["complete"]) == (3, True)
    assert found["byState"] == {"archiving": 2, "active": 1}
    assert (await not_indexed(world, to="2020-01-01"))["recordings"] == 0
    assert (await not_indexed(world, correlation="another"))["recordings"] == 0


async def test_a_failed_file_is_counted_as_not_indexed(world: World):
    made = await world.document(size=20_000, format="wav", participants=[{"id": BEN}])
    await world.fault("metadata", "redirect", host="media.example.net", documentId=made["chunks"][0]["documentId"])
    await world.fault("download", "redirect", host="media.example.net", documentId=made["chunks"][0]["documentId"])
    await world.app.intake.receive(made["event"])
    await world.drained()
    assert await not_indexed(world) == {"recordings": 1, "byState": {"incomplete": 1}, "complete": True}


async def test_only_the_first_page_of_a_search_by_participant_counts(world: World):
    for _ in range(2):
        await announced(world, BEN)
    await world.drained()
    first = json.loads((await world.queries.recordings({"limit": "1"}, BEN, by="ada")).body)
    assert first["notIndexed"] is not None
    assert await not_indexed(world, cursor=first["nextCursor"]) is None
    assert json.loads((await world.queries.recordings({}, None, by="ada")).body)["notIndexed"] is None
