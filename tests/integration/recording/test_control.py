"""Stop, pause, resume and show, for every answer of ACS."""

import pytest

from tests.integration.recording.control import asked, json_of, started
from tests.integration.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.storage("memory", "azurite")
async def test_pause_resume_and_stop_are_stored_with_their_times(world: World):
    recording_id = await started(world)
    paused = json_of(await world.commands.pause(recording_id, by="ada"))
    assert paused["state"] == "paused"
    assert paused["pausedAt"] is not None
    view = json_of(await world.commands.get(recording_id))
    assert (view["state"], view["acsState"]) == ("paused", "inactive"), (
        "ACS has no paused state, so the ledger stores it"
    )
    resumed = json_of(await world.commands.resume(recording_id, by="ada"))
    assert (resumed["state"], resumed["pausedAt"]) == ("active", paused["pausedAt"])
    stopped = json_of(await world.commands.stop(recording_id, by="ada"))
    assert stopped["state"] == "stopped"
    view = json_of(await world.commands.get(recording_id))
    assert (view["state"], view["stoppedAt"]) == ("stopped", stopped["stoppedAt"])


async def test_stopping_a_stopped_recording_succeeds(world: World):
    recording_id = await started(world)
    first = await world.commands.stop(recording_id, by="ada")
    again = await world.commands.stop(recording_id, by="ada")
    assert (first.status, again.status) == (200, 200)
    assert json_of(again)["stoppedAt"] == json_of(first)["stoppedAt"]


async def test_a_stop_succeeds_if_acs_answers_404_after_a_failover(world: World):
    recording_id = await started(world)
    await world.fault(
        "stop", "error", status=404, code="8522", message="Recording not found.", recordingId=recording_id
    )
    assert (await world.commands.stop(recording_id, by="ada")).status == 200


async def test_a_recording_that_ended_can_t_be_paused(world: World):
    recording_id = await started(world)
    await world.commands.stop(recording_id, by="ada")
    answer = await world.commands.pause(recording_id, by="ada")
    assert (answer.status, json_of(answer)["reason"]) == (409, "conflict")


@pytest.mark.parametrize("action", ["get", "stop", "pause", "resume"])
async def test_an_unknown_recording_is_404(world: World, action: str):
    answer = await asked(world, action, "eyJ1bmtub3duIjp0cnVlfQ")
    assert (answer.status, json_of(answer)["reason"], answer.media_type) == (
        404,
        "not-found",
        "application/problem+json",
    )


@pytest.mark.parametrize("action", ["get", "stop", "pause", "resume"])
@pytest.mark.parametrize("recording_id", ["eyJhIjoxfQ==", "a+b_c-d="])
async def test_special_characters_of_base64_are_signed_as_they_are_sent(world: World, action: str, recording_id: str):
    answer = await asked(world, action, recording_id)
    assert (answer.status, json_of(answer)["reason"]) == (404, "not-found"), "a wrong signature is a wrong credential"


async def test_if_acs_can_t_be_reached_the_ledger_s_part_is_shown(world: World):
    recording_id = await started(world, correlation="still here")
    await world.fault("get", "serverError", status=503, times=0, recordingId=recording_id)
    view = json_of(await world.commands.get(recording_id))
    assert (view["state"], view["acsState"], view["correlation"]) == ("active", "unavailable", "still here")
    await world.acs("DELETE", "/faults")


async def test_the_chunks_of_a_recording_are_shown_with_sizes_and_digests(world: World):
    made, _ = await world.announced(size=20_000, format="wav", count=2)
    await world.drained()
    view = json_of(await world.commands.get(made["recordingId"]))
    assert view["state"] == "archived"
    assert view["archiveContainer"] == world.settings.archive_container
    for shown, original in zip(view["chunks"], made["chunks"], strict=True):
        assert (shown["documentId"], shown["index"]) == (original["documentId"], original["index"])
        assert (shown["state"], shown["size"], shown["sha256"]) == ("released", original["size"], original["sha256"])
        assert shown["metadataSha256"] == original["metadataSha256"]
        assert shown["blobName"].endswith(".wav")
        assert shown["metadataBlobName"].endswith(".metadata.json")
        assert shown["deadline"] > shown["eventTime"]
        assert shown["releasedAt"]
        assert "contentLocation" not in shown


async def test_if_acs_can_t_be_reached_a_recording_unknown_to_the_ledger_is_an_error(world: World):
    await world.fault("get", "serverError", status=503, recordingId="eyJ1bmtub3duIjp0cnVlfQ")
    answer = await world.commands.get("eyJ1bmtub3duIjp0cnVlfQ")
    assert (answer.status, json_of(answer)["reason"]) == (503, "acs-unavailable")
    await world.acs("DELETE", "/faults")


@pytest.mark.parametrize("recording_id", ["..", ".", "$", "a b", "", "x" * 1025, "a\nb", "\udcff", "ä"])
@pytest.mark.parametrize("action", ["get", "stop", "pause", "resume"])
async def test_an_invalid_recording_id_never_gets_into_a_signed_path(world: World, recording_id: str, action: str):
    before = await world.acs("GET", "/requests")
    answer = await asked(world, action, recording_id)
    assert (answer.status, json_of(answer)["errors"][0]["field"]) == (400, "recordingId")
    assert await world.acs("GET", "/requests") == before
