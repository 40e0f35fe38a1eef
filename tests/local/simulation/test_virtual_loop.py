"""The event loop of the simulation: virtual time, and processes that die and stand still."""

import asyncio
from contextvars import Context
from datetime import timedelta
from typing import Any

import pytest

from local.simulation.world.loop import PROCESS, Stuck, VirtualLoop
from local.simulation.world.processes import Process


@pytest.fixture
def loop():
    made = VirtualLoop()
    yield made
    made.abandon()


def in_process(loop: VirtualLoop, process: Process, coroutine: Any) -> asyncio.Task[Any]:
    context = Context()
    context.run(PROCESS.set, process)
    return loop.create_task(coroutine, context=context)


def process() -> Process:
    return Process(name="worker", skew=timedelta())


def test_a_day_passes_at_once_and_timeouts_hold(loop: VirtualLoop):
    async def day() -> float:
        await asyncio.sleep(86_400)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await asyncio.sleep(3600)
        async with asyncio.TaskGroup() as tasks:
            for seconds in (3, 1, 2):
                tasks.create_task(asyncio.sleep(seconds))
        return asyncio.get_running_loop().time()

    assert loop.run_until_complete(day()) == 86_463


def test_a_dead_process_runs_nothing_not_even_its_finally_blocks(loop: VirtualLoop):
    worker, steps = process(), []

    async def work() -> None:
        try:
            await asyncio.sleep(10)
            steps.append("woke")
        finally:
            steps.append("cleaned up")

    async def kill() -> None:
        in_process(loop, worker, work())
        await asyncio.sleep(5)
        worker.runs = False
        await asyncio.sleep(60)

    loop.run_until_complete(kill())
    assert steps == []


def test_a_frozen_process_continues_where_it_stood(loop: VirtualLoop):
    worker = process()

    async def work() -> float:
        await asyncio.sleep(10)
        return asyncio.get_running_loop().time()

    async def freeze() -> float:
        task = in_process(loop, worker, work())
        await asyncio.sleep(5)
        loop.freeze(worker, 600)
        return await task

    assert loop.run_until_complete(freeze()) == 605


def test_a_thread_is_a_call_at_once(loop: VirtualLoop):
    async def compute() -> int:
        return await asyncio.to_thread(sum, (1, 2))

    assert loop.run_until_complete(compute()) == 3


def test_a_run_that_waits_for_nothing_is_stuck(loop: VirtualLoop):
    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Stuck):
        loop.run_until_complete(wait())


def test_a_run_that_never_lets_time_pass_is_stuck(loop: VirtualLoop):
    async def spin() -> None:
        while True:  # noqa: ASYNC110 - the endless loop that is tested
            await asyncio.sleep(0)

    with pytest.raises(Stuck):
        loop.run_until_complete(spin())
