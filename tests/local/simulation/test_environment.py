"""The simulated host and Event Grid are no kinder than the real ones.

The real behavior was measured on the Functions host 4.1037 with queues extension 5.3.10, or is Event Grid's documented
one. Settings of the host are those of host.json.
"""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from contextvars import Context
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local.memory.storage.queues import MemoryQueueClient
from local.memory.storage.tables import MemoryTableClient
from local.simulation.callers import queue_listener
from local.simulation.run import World
from local.simulation.schedules.mishandling import Mishandling
from local.simulation.schedules.schedule import schedule_of
from local.simulation.world.cluster import BEGIN
from local.simulation.world.faults import Outage
from local.simulation.world.loop import VirtualLoop
from local.simulation.world.trace import Trace
from shared.errors import DestinationError
from shared.intake.intake import Intake
from shared.recovery.sweep import Sweep

_QUEUES = json.loads(Path("host.json").read_text())["extensions"]["queues"]
_PAUSES = (10, 30, 60, 300, 600, 1800, 3600)  # seconds that Event Grid documents

type Function = Callable[[], Awaitable[None]]


@dataclass
class Rig:
    """A world without recordings, calls and faults."""

    hosts: int = 1
    outages: tuple[Outage, ...] = ()
    seed: int = 1
    began: list[float] = field(default_factory=list)  # when invocations began
    ended: int = 0
    running: int = 0
    most_running: int = 0
    taken: list[str] = field(default_factory=list)  # bodies of jobs, one for each delivery
    poison: list[str] = field(default_factory=list)  # bodies of messages that came from the poison queue

    def __post_init__(self) -> None:
        self.loop = VirtualLoop()
        self.trace = Trace(self.loop, keeps=True)
        empty: Any = {"recordings": (), "calls": (), "faults": (), "mishandling": Mishandling()}
        unharmed: Any = {"lost_jobs": frozenset(), "worn_jobs": frozenset(), "skews": (timedelta(),) * self.hosts}
        schedule = replace(schedule_of(self.seed), **empty, **unharmed, outages=self.outages)
        self.world = World(self.loop, self.trace, schedule)
        self.work: Any = None
        self.loop.run_until_complete(self.world.begin())

    def counted(self, function: Function) -> Callable[..., Awaitable[Any]]:
        """The function as an invocation that is recorded."""

        async def run(*_: Any) -> bool:
            self.began.append(self.loop.time())
            self.running += 1
            self.most_running = max(self.running, self.most_running)
            try:
                await function()
            finally:
                self.running -= 1
            self.ended += 1
            return True

        return run

    def pass_time(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def send(self, *bodies: str) -> None:
        queue = MemoryQueueClient(self.world.account, self.world.settings.chunks_queue)
        for body in bodies:
            self.loop.run_until_complete(queue.send_message(body))
        self.world.triggers._queue.changed()  # noqa: SLF001 - as a call of the app does

    def add_due_work(self) -> None:
        table = MemoryTableClient(self.world.account, self.world.settings.worklist_table)
        row = {"PartitionKey": "0", "RowKey": "row", "dueAt": BEGIN}
        self.loop.run_until_complete(table.create_entity(row))
        self.world.triggers._timers.changed()  # noqa: SLF001 - as a call of the app does

    def kill(self, at: float, *, with_host: bool) -> None:
        """Kills every worker process that runs something then."""

        def die() -> None:
            for host in [host for host in self.world.cluster.hosts if host.running]:
                assert host.process is not None
                self.world.cluster.die(host.process, with_host)

        self.loop.call_later(at, die, context=Context())

    def messages(self) -> list[str]:
        return [message.text for queue in self.world.account.queues.values() for message in queue.messages]

    def dead_lettered(self) -> int:
        """How many requests Event Grid has dead-lettered. The app processes the dead letters."""
        return sum("are dead-lettered" in line for line in self.trace.lines)

    def job(self, body: str) -> Any:
        self.taken.append(body)
        return "work", self.work

    def poisoned(self, body: str) -> Any:
        self.poison.append(body)

        async def keep(_: Any) -> None:
            """Succeeds."""

        return "keep", keep


type Begin = Callable[..., Rig]


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch):
    """Begins a world whose jobs, sweeps or events are one function instead of the app's."""
    made: list[Rig] = []

    def make(function: Function, **options: Any) -> Rig:
        rig = Rig(**options)
        made.append(rig)
        rig.work = work = rig.counted(function)
        monkeypatch.setattr(queue_listener, "_job", rig.job)
        monkeypatch.setattr(queue_listener, "_poison_job", rig.poisoned)
        monkeypatch.setattr(Sweep, "run", work)
        monkeypatch.setattr(Intake, "deliver", work)
        rig.world.triggers.start()
        return rig

    yield make
    for one in made:
        one.loop.abandon()


async def _fails() -> None:
    raise DestinationError("storage unavailable")


async def _ends() -> None:
    """Succeeds at once."""


def _lasts(seconds: float) -> Function:
    return lambda: asyncio.sleep(seconds)


def _after(times: list[float]) -> list[int]:
    """Seconds after the first."""
    return [round(time - times[0]) for time in times]


def test_the_host_has_the_settings_of_host_json():
    hours, minutes, seconds = map(int, _QUEUES["visibilityTimeout"].split(":"))
    assert 3600 * hours + 60 * minutes + seconds == queue_listener._AGAIN  # noqa: SLF001 - what the settings are compared with
    assert _QUEUES["maxDequeueCount"] == queue_listener._DELIVERIES  # noqa: SLF001 - as above
    assert _QUEUES["batchSize"] == queue_listener._JOBS  # noqa: SLF001 - as above


def test_a_failed_job_comes_back_after_the_visibility_timeout_and_ends_in_the_poison_queue(begin: Begin):
    rig = begin(_fails)
    rig.send("a job")
    rig.pass_time(1000)
    assert _after(rig.began) == [0, 60, 120, 180, 240]
    assert rig.poison == ["a job"]
    assert rig.messages() == []


def test_the_message_of_a_killed_host_stays_hidden_for_ten_minutes(begin: Begin):
    rig = begin(_lasts(400), hosts=2)
    rig.send("a job")
    rig.kill(at=200, with_host=True)
    rig.pass_time(1500)
    assert _after(rig.began) == [0, 600]


def test_the_message_of_a_killed_worker_comes_back_after_the_visibility_timeout(begin: Begin):
    rig = begin(_lasts(400))
    rig.send("a job")
    rig.kill(at=200, with_host=False)
    rig.pass_time(1500)
    assert _after(rig.began) == [0, 260]


def test_a_message_stays_hidden_while_its_function_runs(begin: Begin):
    rig = begin(_lasts(1500), hosts=2)
    rig.send("a job")
    rig.pass_time(3000)
    assert _after(rig.began) == [0]
    assert rig.messages() == []


def test_a_function_is_killed_when_it_has_run_for_an_hour(begin: Begin):
    rig = begin(_lasts(10_000))
    rig.send("a job")
    rig.pass_time(3700)
    assert _after(rig.began) == [0, 3660]


def test_a_host_runs_no_more_jobs_at_once_than_a_batch(begin: Begin):
    rig = begin(_lasts(10))
    rig.send(*(f"job {number}" for number in range(20)))
    rig.pass_time(100)
    assert (rig.most_running, len(rig.began)) == (8, 20)


def test_messages_come_in_no_order(begin: Begin):
    orders = set()
    for seed in range(5):
        rig = begin(_ends, seed=seed)
        rig.send("1", "2", "3", "4")
        rig.pass_time(10)
        orders.add(tuple(rig.taken))
    assert len(orders) > 1


def test_the_sweep_runs_on_one_host_at_full_minutes_and_never_twice_at_once(begin: Begin):
    rig = begin(_lasts(150), hosts=3)
    rig.add_due_work()
    rig.pass_time(1000)
    assert rig.most_running == 1
    assert {round(time) % 60 for time in rig.began} == {0}
    assert 4 <= len(rig.began) <= 7


def test_event_grid_repeats_a_failed_event_and_dead_letters_it(begin: Begin):
    rig = begin(_fails)
    rig.world.triggers.event_grid.publish(0, [{"id": "event"}])
    rig.pass_time(48 * 3600)
    pauses = [later - earlier for earlier, later in itertools.pairwise(rig.began)]
    assert all(pause >= documented for pause, documented in zip(pauses, _PAUSES, strict=False))
    assert len(rig.began) <= 30
    assert rig.dead_lettered() == 1


def test_event_grid_waits_for_thirty_seconds_and_the_function_goes_on(begin: Begin):
    rig = begin(_lasts(35))
    rig.world.triggers.event_grid.publish(0, [{"id": "event"}])
    rig.pass_time(60)
    assert len(rig.began) == 2
    assert rig.ended >= 1


def test_a_request_that_is_answered_within_thirty_seconds_is_not_repeated(begin: Begin):
    rig = begin(_lasts(25))
    rig.world.triggers.event_grid.publish(0, [{"id": "event"}])
    rig.pass_time(48 * 3600)
    assert (len(rig.began), rig.dead_lettered()) == (1, 0)


def test_all_events_of_a_request_come_again_if_one_fails(begin: Begin):
    results = iter((True, False))

    async def fails_once() -> None:
        if not next(results, True):
            await _fails()

    rig = begin(fails_once)
    rig.world.triggers.event_grid.publish(0, [{"id": "first"}, {"id": "second"}])
    rig.pass_time(3600)
    assert len(rig.began) == 4
    assert rig.most_running == 1 or rig.began[0] == rig.began[1]


def test_an_acknowledgement_that_is_lost_repeats_the_event(begin: Begin):
    rig = begin(_ends)
    rig.world.triggers.event_grid.publish(0, [{"id": "event"}], acknowledged=False)
    rig.pass_time(3600)
    assert len(rig.began) == 2


@pytest.mark.parametrize(("seconds", "may_end"), [(35.0, False), (60.0, True)])
def test_a_host_may_end_when_the_queue_is_away_for_forty_seconds(begin: Begin, seconds: float, *, may_end: bool):
    outage = Outage(service="queue", begins=100, ends=100 + seconds)
    ended = []
    for seed in range(6):
        rig = begin(_ends, hosts=2, outages=(outage,), seed=seed)
        names = {host.name for host in rig.world.cluster.hosts}
        rig.pass_time(1000)
        ended.append(len(names - {host.name for host in rig.world.cluster.hosts}))
    assert (max(ended) > 0) == may_end
    assert min(ended) < 2
