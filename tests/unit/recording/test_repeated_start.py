"""A start that is repeated after a crash reaches ACS with the same body, whatever the settings are by then.

ACS compares: another body under the same Repeatability id is refused, although the call is being recorded.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from local.memory.acs import MemoryAcs
from local.memory.host import Crash, Host
from local.memory.storage.account import Operation, apply_at_once
from shared.contracts.auto_record import CallKind, Trigger
from shared.http.answers import Answer
from tests.unit.world import World, memory_settings

CALL = "aHR0cHM6Ly9jb252LnNreXBlLmNvbS9jb252L2NhbGw="
CALLBACKS = {
    "callback_url": "https://callvault.example/api/callbacks",
    "callback_audience": "6e1b4a5c-0000-4000-8000-000000000001",
    "callback_secret": "c2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXMtb3ItbW9yZQ==",
}
OTHER = {**CALLBACKS, "callback_secret": "YW5vdGhlci1vZi10aGlydHktdHdvLWJ5dGVzLW9yLW1vcmU="}
CONSENT = {"basis": "consent", "reference": "ticket 4711", "obtainedAt": "2026-11-21T09:00:00+01:00"}
AUTO = {"auto_record": json.dumps([{"on": ["CallStarted"]}])}


@pytest.fixture
def bodies(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What reached ACS: the options of each start, without what the SDK adds."""
    found: list[dict[str, Any]] = []
    start = MemoryAcs.start_recording

    async def seen(self: MemoryAcs, *, headers: dict[str, str], **options: Any) -> Any:
        sent = {name: value for name, value in options.items() if not callable(value)}
        found.append({**sent, "id": headers["Repeatability-Request-ID"]})
        return await start(self, headers=headers, **options)

    monkeypatch.setattr(MemoryAcs, "start_recording", seen)
    return found


def restarted(world: World, **settings: Any) -> Host:
    """The app after a change of its settings."""
    return Host(world.account, world.acs, world.topic, world.clock, memory_settings(**settings))


def dies_after(world: World, method: str) -> None:
    async def dying[T](operation: Operation, apply: Callable[[], T], /) -> T:
        result = await apply_at_once(operation, apply)
        if operation.method == method:
            raise Crash
        return result

    world.host.restart(dying)


async def passing[T](world: World, work: Coroutine[Any, Any, T]) -> T:
    """The result of work that waits now and then, while time passes."""
    task = asyncio.create_task(work)
    while not task.done():
        await asyncio.sleep(0)
        world.clock.forward(seconds=0.001)
    return task.result()


async def start(host: Host, **fields: Any) -> Answer | None:
    """The answer to a start, None if the process died."""
    answers: list[Answer] = []

    async def send(app: Any) -> None:
        body = json.dumps({"serverCallId": CALL, **fields}).encode()
        answers.append(await app.commands.start(body, url="https://x", idempotency_key="key", by="ada"))

    return answers[0] if await host.invoke(send) else None


@pytest.mark.parametrize(("before", "after"), [(CALLBACKS, OTHER), (CALLBACKS, {}), ({}, CALLBACKS)])
async def test_a_repeated_start_has_the_same_callback_url(
    bodies: list[dict[str, Any]], before: dict[str, Any], after: dict[str, Any]
):
    world = await World.made(**before)
    dies_after(world, "start_recording")
    assert await start(world.host) is None
    world.clock.forward(minutes=2)
    answer = await start(restarted(world, **after))
    assert answer is not None
    assert answer.status == 201, answer.body
    first, second = bodies
    assert first == second
    assert len(world.acs.recordings) == 1


@pytest.mark.parametrize("consent", [True, False])
async def test_a_repeated_automatic_start_is_paused_if_the_first_one_was(bodies: list[dict[str, Any]], consent: bool):
    world = await World.made(**AUTO, require_consent=consent)
    dies_after(world, "start_recording")

    async def consider(app: Any) -> None:
        auto = app.intake._auto  # noqa: SLF001 - as an event does
        await auto.consider(Trigger.CALL_STARTED, server_call_id=CALL, call_kind=CallKind.GROUP, by="AUTO_RECORD")

    assert not await passing(world, world.host.invoke(consider))
    world.clock.forward(minutes=2)
    await passing(world, restarted(world, **AUTO, require_consent=not consent).invoke(lambda app: app.sweep.run()))
    first, second = bodies
    assert first == second
    assert first["pause_on_start"] is consent


async def test_a_start_whose_recording_is_known_isn_t_sent_again(bodies: list[dict[str, Any]]):
    """Its row has the recording's id and no longer what was sent."""
    world = await World.made()

    async def dying[T](operation: Operation, apply: Callable[[], T], /) -> T:
        if operation.target == world.settings.requests_table and operation.method == "update_entity":
            raise Crash
        return await apply_at_once(operation, apply)

    world.host.restart(dying)
    assert await start(world.host, consent=CONSENT) is None
    world.clock.forward(minutes=2)
    answer = await start(restarted(world), consent=CONSENT)
    assert answer is not None
    assert (answer.status, len(bodies)) == (201, 1)
    assert json.loads(answer.body)["recordingId"] in world.acs.recordings


async def test_the_stored_request_is_replaced_once_the_ledger_has_it(bodies: list[dict[str, Any]]):
    world = await World.made(**CALLBACKS)
    assert await start(world.host, consent=CONSENT) is not None
    assert "sig=" in bodies[0]["recording_state_callback_url"]
    (row,) = [row.entity for key, row in world.rows(world.settings.links_table).items() if key[0].startswith("start-")]
    assert {name for name in row if "@" not in name} == {"PartitionKey", "RowKey", "recordingId"}
