"""Nobody copies the recording of an event that Event Grid could not deliver, until its dead letter is processed."""

import asyncio
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.events.call_started import CALL_STARTED
from shared.contracts.events.outcome import Outcome
from shared.domain.states import ChunkState
from shared.errors import Unforeseen
from shared.gateways.blobs.dead_letters import DeadLetters
from shared.intake import dead_letters
from shared.intake.dead_letters import DeadLetterCounts, DeadLetterReplay
from tests.integration.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHECKOUT = Path(__file__).parents[3]
EVENTS = CHECKOUT / "tests" / "events"
# Fields that Event Grid adds to a dead-lettered event.
ADDED = {
    "deadLetterReason": "MaxDeliveryAttemptsExceeded",
    "deliveryAttempts": 30,
    "lastDeliveryOutcome": "Busy",
    "publishTime": "2026-11-20T08:00:00Z",
    "lastDeliveryAttemptTime": "2026-11-20T20:00:00Z",
}


def container(world: World) -> Any:
    return world.container(world.settings.deadletter_container)


async def dead_lettered(world: World, body: Any, name: str = "RECORDINGS/2026/11/20/8/one.json") -> None:
    async with container(world) as kept:
        await kept.upload_blob(name, body if isinstance(body, bytes) else json.dumps(body).encode(), overwrite=True)


async def letters(world: World) -> list[str]:
    async with container(world) as kept:
        return [blob.name async for blob in kept.list_blobs()]


def gateway(world: World) -> DeadLetters:
    return DeadLetters(world.app.clients.archive, world.settings.deadletter_container)


async def replay(world: World, *, apply: bool = True) -> DeadLetterCounts:
    return await DeadLetterReplay(gateway(world), world.app.intake).run(apply=apply)


@pytest.mark.storage("memory", "azurite")
async def test_a_dry_run_only_counts_and_apply_archives_undelivered_events(world: World):
    made = [await world.document(size=20_000, format="wav") for _ in range(3)]
    await dead_lettered(world, [{**one["event"], **ADDED} for one in made[:2]])
    await dead_lettered(world, {**made[2]["event"], **ADDED}, "RECORDINGS/2026/11/20/9/two.json")
    dry = await replay(world, apply=False)
    assert (dry.blobs, dry.events, dry.removed, await world.queued()) == (2, 3, 0, 0)
    assert len(await letters(world)) == 2
    done = await replay(world)
    assert (done.outcomes, done.removed, done.left) == ({Outcome.QUEUED: 3}, 2, {})
    assert await letters(world) == []
    await world.drained()
    for one in made:
        assert (await world.chunk(world.job(one))).state is ChunkState.RELEASED
    assert (await replay(world)).blobs == 0


async def test_an_event_that_is_taken_in_again_after_a_crash_is_archived_once(world: World):
    made, _ = await world.announced(size=20_000, format="wav")
    await world.drained()
    await dead_lettered(world, [{**made["event"], **ADDED}])
    assert (await replay(world)).removed == 1
    await world.drained()
    assert len(await world.blobs()) == 2, "one media file and its metadata"


async def test_a_dead_letter_stays_if_storage_fails_while_it_is_taken_in(world: World):
    made = await world.document(size=20_000, format="wav")
    await dead_lettered(world, [{**made["event"], **ADDED}])
    async with world.queue(world.settings.chunks_queue) as queue:
        await queue.delete_queue()
        failed = await replay(world)
        assert (failed.removed, len(failed.failed), len(await letters(world))) == (0, 1, 1)
        await queue.create_queue()
    assert (await replay(world)).removed == 1
    await world.drained()
    assert (await world.chunk(world.job(made))).state is ChunkState.RELEASED


async def test_a_blob_without_events_of_callvault_stays_and_doesn_t_stop_the_others(world: World):
    made = await world.document(size=20_000, format="wav")
    await dead_lettered(world, b"<html>", "a.json")
    await dead_lettered(world, [], "b.json")
    other = json.loads((EVENTS / "other-type.json").read_text()) | {"eventType": "Microsoft.Communication.CallEnded"}
    await dead_lettered(world, [other], "c.json")
    await dead_lettered(world, [{**made["event"], **ADDED}], "d.json")
    done = await replay(world)
    assert (set(done.left), done.removed) == ({"a.json", "b.json", "c.json"}, 1)


async def test_the_dead_letter_of_a_call_that_matches_no_rule_is_deleted(world: World):
    call = {"id": "1", "eventType": CALL_STARTED, "subject": "call", "data": {"serverCallId": "Y2FsbA=="}}
    await dead_lettered(world, [{**call, **ADDED}])
    done = await replay(world)
    assert (done.outcomes, done.removed, done.left) == ({Outcome.IGNORED: 1}, 1, {})


async def test_an_event_that_can_t_be_parsed_is_quarantined_before_its_dead_letter_is_deleted(world: World):
    broken = json.loads((EVENTS / "broken-no-chunks.json").read_text())
    await dead_lettered(world, [{**broken, **ADDED}])
    done = await replay(world)
    assert (done.outcomes, done.removed) == ({Outcome.QUARANTINED: 1}, 1)
    assert len(await world.quarantined()) == 1


@pytest.mark.storage("memory", "azurite")
async def test_a_dead_letter_that_changed_since_it_was_read_is_not_deleted(world: World):
    await dead_lettered(world, [])
    (letter,) = [one async for one in gateway(world).all()]
    await dead_lettered(world, [{}])
    assert await gateway(world).remove(letter) is False
    async with container(world) as kept:
        await kept.delete_blob(letter.name)
    assert await gateway(world).read(letter) is None
    assert await gateway(world).remove(letter) is True


async def test_the_timer_takes_in_dead_letters_and_skips_blobs_that_it_left_before(
    world: World, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    made = await world.document(size=20_000, format="wav")
    await dead_lettered(world, b"<html>", "a.json")
    await dead_lettered(world, [{**made["event"], **ADDED}], "b.json")
    await world.app.dead_letters.run()
    assert await letters(world) == ["a.json"]
    await world.drained()
    assert (await world.chunk(world.job(made))).state is ChunkState.RELEASED
    await world.app.dead_letters.run()
    assert logged(caplog) == ["dead letter kept", "dead letters processed"], "what is left is logged once"
    await dead_lettered(world, [{**made["event"], **ADDED}], "a.json")
    await world.app.dead_letters.run()
    assert await letters(world) == [], "a changed blob is read again"


async def test_a_run_of_the_timer_reads_a_bounded_number_of_blobs_and_doesn_t_count_skipped_ones(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(dead_letters, "_AT_ONCE", 2)
    broken = json.loads((EVENTS / "broken-no-chunks.json").read_text())
    for name in ("a.json", "b.json"):
        await dead_lettered(world, b"<html>", name)
    for name in ("c.json", "d.json", "e.json"):
        await dead_lettered(world, [{**broken, **ADDED}], name)
    left = []
    for _ in range(3):
        await world.app.dead_letters.run()
        left.append(len(await letters(world)))
    assert left == [5, 3, 2]


async def test_a_blob_that_fails_doesn_t_stop_the_others_and_is_reported_in_each_run(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    made = await world.document(size=20_000, format="wav")
    await dead_lettered(world, [{"id": "bad"}], "a.json")
    await dead_lettered(world, [{**made["event"], **ADDED}], "b.json")
    receive = world.app.intake.receive

    async def failing(event: dict[str, Any]) -> Outcome:
        if event["id"] == "bad":
            raise TypeError("a defect")
        return await receive(event)

    monkeypatch.setattr(world.app.intake, "receive", failing)
    for _ in range(2):
        with pytest.raises(Unforeseen):
            await world.app.dead_letters.run()
    assert await letters(world) == ["a.json"]
    assert logged(caplog).count("dead letter processing failed") == 2


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [record.getMessage().partition(" {")[0] for record in caplog.records]
    return [line for line in found if line.startswith("dead letter")]


@pytest.mark.storage("azurite")
async def test_the_command_is_a_dry_run_by_default_and_fails_if_blobs_are_left(world: World):
    made = await world.document(size=20_000, format="wav")
    await dead_lettered(world, [{**made["event"], **ADDED}])
    code, output = await command()
    assert (code, "Dry run" in output) == (0, True)
    assert "1 events in 1 blobs" in output
    assert len(await letters(world)) == 1
    await dead_lettered(world, b"<html>", "left.json")
    code, output = await command("--apply")
    assert code == 1
    assert "processed: 1 queued; 1 blobs removed" in output
    assert "kept: left.json: has content other than events" in output
    assert await letters(world) == ["left.json"]


async def command(*arguments: str) -> tuple[int | None, str]:
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "shared.deadletters", *arguments),
        cwd=CHECKOUT,
        env=dict(os.environ),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await started.communicate()
    return started.returncode, output.decode()
