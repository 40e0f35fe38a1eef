"""Health for monitors. A missing alarm loses files, and a permanent one is switched off."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.app import App
from shared.domain.states import ChunkState
from shared.domain.work_item import WorkItem
from shared.errors import NewerSchema
from shared.gateways.bundle import Gateways
from shared.gateways.tables.schema import SCHEMA_VERSION
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def look(world: World) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """The status, the body, and the failed checks by name."""
    answer = await world.commands.health()
    body = json.loads(answer.body)
    return answer.status, body, {check["name"]: check for check in body["checks"] if not check["ok"]}


@pytest.mark.storage("memory", "azurite")
async def test_health_is_ok_when_nothing_is_open(world: World):
    status, body, failing = await look(world)
    assert (status, body["status"], body["oldestOpen"], failing) == (200, "ok", None, {})
    assert {check["name"] for check in body["checks"]} == {
        "schema", "tables", "queue", "poison", "archive", "acs", "deadline", "catalogue", "sweep",
    }  # fmt: skip


@pytest.mark.storage("memory", "azurite")
async def test_data_of_a_newer_version_is_refused_and_fails_health(world: World):
    await world.app.schema.require()
    (row,) = await world.rows(world.settings.links_table)
    assert row == {"PartitionKey": "schema", "RowKey": "version", "version": SCHEMA_VERSION}
    await world.gateways.schema.require()
    async with world.table(world.settings.links_table) as table:
        await table.upsert_entity(row | {"version": SCHEMA_VERSION + 1})
    with pytest.raises(NewerSchema):
        await Gateways.over(world.app.clients, world.settings).schema.require()
    status, _, failing = await look(world)
    assert (status, {name: check["reason"] for name, check in failing.items()}) == (503, {"schema": "schema-newer"})


@pytest.mark.storage("memory", "azurite")
async def test_health_shows_the_oldest_open_chunk_with_its_time(make_world: MakeWorld):
    clock = MovableClock()
    world = await make_world(clock=clock)
    _, job = await world.announced(size=20_000, format="wav")
    clock.forward(minutes=4)
    await world.announced(size=20_000, format="wav")
    status, body, _ = await look(world)
    assert (status, body["oldestOpen"]["chunkKey"]) == (200, job.chunkKey)
    assert body["oldestOpen"]["ageSeconds"] >= 240
    assert body["oldestOpen"]["secondsLeft"] < 24 * 3600


async def test_an_open_chunk_near_its_deadline_fails_health_and_a_safe_one_doesn_t(make_world: MakeWorld):
    clock = MovableClock()
    world = await make_world(clock=clock)
    _, job = await world.announced(size=20_000, format="wav")
    clock.forward(hours=20.1)
    status, _, failing = await look(world)
    assert (status, set(failing)) == (503, {"deadline", "sweep"})
    assert "hours" in failing["deadline"]["detail"]
    chunk = await world.chunk(job)
    copying = await world.writers.chunks.replace(chunk.move(ChunkState.COPYING))
    await world.writers.chunks.replace(copying.move(ChunkState.ARCHIVED, archived_at=clock.now()))
    _, body, failing = await look(world)
    assert body["oldestOpen"] is None
    assert "deadline" not in failing, "the row is removed a little later"


@pytest.mark.parametrize(("before", "reason"), [(19, "late"), (20, "unseen")])
async def test_safe_chunks_that_wait_to_be_announced_don_t_hide_a_late_chunk(
    make_world: MakeWorld, before: int, reason: str
):
    clock = MovableClock()
    world = await make_world(clock=clock)
    _, safe = await world.announced(size=20_000, format="wav")
    await world.app.archiving.handle(safe)
    _, late = await world.announced(size=20_000, format="wav")
    released, chunk = await world.chunk(safe), await world.chunk(late)
    shard, due_at = chunk.chunk_key[0], clock.now() + timedelta(hours=30)
    for number in range(before):
        deadline = chunk.deadline - timedelta(minutes=number + 1)
        await world.writers.open_work.add(
            replace(WorkItem.of_chunk(released.evolve(deadline=deadline), due_at), shard=shard)
        )
    clock.forward(hours=20.1)
    status, _, failing = await look(world)
    assert (status, failing["deadline"]["reason"]) == (503, reason)


async def test_a_sweep_that_doesn_t_run_fails_health_long_before_any_deadline(make_world: MakeWorld):
    clock = MovableClock()
    world = await make_world(clock=clock)
    await world.announced(size=20_000, format="wav")
    clock.forward(seconds=(world.settings.sweep_grace + timedelta(minutes=11)).total_seconds())
    status, _, failing = await look(world)
    assert (status, failing["sweep"]["reason"]) == (503, "sweep-silent")
    await world.app.sweep.run()
    assert (await look(world))[0] == 200


@pytest.mark.parametrize(("kind", "reason"), [("unauthorized", "acs-credential-refused"), ("reset", "acs-unavailable")])
async def test_a_refused_acs_credential_fails_health(world: World, kind: str, reason: str):
    await world.fault("get", kind, times=0)
    status, _, failing = await look(world)
    await world.acs("DELETE", "/faults")
    assert (status, {name: check["reason"] for name, check in failing.items()}) == (503, {"acs": reason})


async def test_acs_that_throttles_counts_as_reachable(world: World):
    await world.fault("get", "throttle", times=0)
    status, _, _ = await look(world)
    await world.acs("DELETE", "/faults")
    assert status == 200


@pytest.mark.storage("memory", "azurite")
async def test_wrong_or_missing_storage_fails_health(make_world: MakeWorld):
    world = await make_world()
    gone = await make_world(like=world)
    names = {"CHUNKS_QUEUE": "nowhere", "ARCHIVE_CONTAINER": "nowhere", "WORKLIST_TABLE": "nowhere"}
    settings, clock = gone.settings.model_copy(update={k.lower(): v for k, v in names.items()}), MovableClock()
    app = App.over(settings, clock, gone.storage.clients(settings, clock))
    answer = await app.commands.health()
    await app.clients.close()
    failing = {check["name"] for check in json.loads(answer.body)["checks"] if not check["ok"]}
    assert (answer.status, failing) == (503, {"tables", "queue", "archive"})
