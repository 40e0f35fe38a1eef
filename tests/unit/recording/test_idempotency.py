"""A start with an Idempotency-Key is sent to ACS once: a repeated one gets its answer, or must wait."""

import asyncio
from typing import Any

import pytest

from shared.domain.random_source import RandomSource
from shared.domain.repeatability import Repeatability
from shared.errors import RequestInProgress, SourceUnavailable
from shared.gateways.tables.requests import Requests
from shared.recording.idempotency import Idempotency
from tests.unit.world import World


class Died(BaseException):
    """The process of a request died."""


class Caller:
    """Sends the same request again and again. Has the Repeatability id of each that reached ACS."""

    def __init__(self, world: World) -> None:
        self.idempotency = Idempotency(world.gateways.requests, world.clock, RandomSource())
        self.sent: list[str] = []
        self.arrivals = asyncio.Queue[str]()  # the same ids, for a test that waits until a request reaches ACS

    async def send(self, *, until: asyncio.Event | None = None, failure: BaseException | None = None) -> str:
        """ACS answers once `until` is set, with a failure if there is one."""

        async def carry_out(repeatability: Repeatability) -> str:
            self.sent.append(repeatability.request_id)
            self.arrivals.put_nowait(repeatability.request_id)
            await (until.wait() if until else asyncio.sleep(0))
            if failure:
                raise failure
            return "started"

        return await self.idempotency.once("a key", b"{}", carry_out)


@pytest.fixture
async def world() -> World:
    return await World.made()


async def test_of_two_repeats_after_a_crash_only_one_is_sent_to_acs(world: World, monkeypatch: pytest.MonkeyPatch):
    caller = Caller(world)
    with pytest.raises(Died):
        await caller.send(failure=Died())
    world.clock.forward(minutes=2)
    both_have_read, begin = asyncio.Barrier(2), Requests.begin

    async def begin_together(self: Requests, *args: Any, **named: Any) -> Any:
        found = await begin(self, *args, **named)
        await both_have_read.wait()
        return found

    monkeypatch.setattr(Requests, "begin", begin_together)
    answers = await asyncio.gather(caller.send(), caller.send(), return_exceptions=True)
    assert [type(one) for one in answers].count(RequestInProgress) == 1
    assert "started" in answers
    assert len(caller.sent) == 2
    assert len(set(caller.sent)) == 1


async def test_a_slow_request_that_fails_leaves_the_key_to_the_repeat_that_took_over(world: World):
    caller, slow, fast = Caller(world), asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(caller.send(until=slow, failure=SourceUnavailable("down")))
    await caller.arrivals.get()
    world.clock.forward(minutes=2)
    second = asyncio.create_task(caller.send(until=fast))
    await caller.arrivals.get()
    slow.set()
    with pytest.raises(SourceUnavailable):
        await first
    with pytest.raises(RequestInProgress):
        await caller.send()
    fast.set()
    assert await second == "started"


async def test_after_a_failure_the_next_repeat_is_sent_with_the_same_id(world: World):
    caller = Caller(world)
    with pytest.raises(SourceUnavailable):
        await caller.send(failure=SourceUnavailable("down"))
    assert [await caller.send(), await caller.send()] == ["started", "started"]
    assert len(caller.sent) == 2
    assert len(set(caller.sent)) == 1
