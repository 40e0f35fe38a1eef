"""Timers run when they are due, once for the whole app, without overlaps, and catch up after a stop."""

import json
import os
import signal
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.stack import Azurite
from tests.local.host.queues import Queues
from tests.local.host.running import running_host, until

EVERY_SECOND = "* * * * * *"
ONCE_A_YEAR = "0 0 0 1 1 *"


def status_file(directory: Path, schedule: str) -> Path:
    """The status file of a host that was stopped before the schedule's last occurrence."""
    file = directory / "timers.json"
    last = datetime.now(UTC) - timedelta(days=500)
    due = last + timedelta(days=400)
    status = {"Schedule": schedule, "Last": last.isoformat(), "Next": due.isoformat(), "LastUpdated": last.isoformat()}
    file.write_text(json.dumps({"tick": status}))
    return file


async def test_a_timer_runs_when_it_is_due(tmp_path: Path, queues: Queues) -> None:
    async with running_host(tmp_path, settings=queues.settings | {"SCHEDULE": EVERY_SECOND}) as host:
        first, second = (await host.log_of("tick", times=2))[:2]
    apart = datetime.fromisoformat(second["time"]) - datetime.fromisoformat(first["time"])
    assert apart > timedelta(seconds=0.5)
    assert first["extra"]["past_due"] is False


async def test_a_timer_runs_on_one_instance_at_a_time(tmp_path: Path, queues: Queues) -> None:
    settings = queues.settings | {"SCHEDULE": EVERY_SECOND}
    async with running_host(tmp_path, "--workers", "2", settings=settings) as host:
        times = [datetime.fromisoformat(line["time"]) for line in (await host.log_of("tick", times=4))[:4]]
        assert len({time.replace(microsecond=0) for time in times}) == 4
        assert len(host.logged("at start")) == 1


async def test_a_timer_with_run_on_startup_runs_at_the_start_and_is_not_past_due(
    tmp_path: Path, queues: Queues
) -> None:
    async with running_host(tmp_path, settings=queues.settings) as host:
        [line] = await host.log_of("at start")
    assert line["extra"]["past_due"] is False


async def test_a_run_never_overlaps_the_one_before(tmp_path: Path, queues: Queues) -> None:
    settings = queues.settings | {"SCHEDULE": EVERY_SECOND, "TICK": "slow"}
    async with running_host(tmp_path, settings=settings) as host:
        await host.log_of("tick", times=3)
        order = [line["message"] for line in host.lines() if line["message"] in ("tick", "tock")]
    assert order[:5] == ["tick", "tock", "tick", "tock", "tick"]


async def test_a_timer_that_fails_runs_again_when_it_is_due(tmp_path: Path, queues: Queues) -> None:
    settings = queues.settings | {"SCHEDULE": EVERY_SECOND, "TICK": "fail"}
    async with running_host(tmp_path, settings=settings) as host:
        await host.log_of("tick", times=2)


async def test_a_timer_catches_up_once_for_occurrences_that_it_missed_while_stopped(
    tmp_path: Path, queues: Queues
) -> None:
    file = status_file(tmp_path, ONCE_A_YEAR)
    for run, ticks in (("first", 1), ("second", 0)):
        (tmp_path / run).mkdir()
        async with running_host(tmp_path / run, "--timer-status", str(file), settings=queues.settings) as host:
            await host.log_of(f"ready at {host.url}")
            await host.log_of("succeeded", times=ticks, function="tick") if ticks else None
            found = host.logged("tick")
        assert [line["extra"]["past_due"] for line in found] == [True] * ticks
    assert datetime.fromisoformat(json.loads(file.read_text())["tick"]["Next"]) > datetime.now(UTC)


async def test_a_changed_schedule_is_not_past_due(tmp_path: Path, queues: Queues) -> None:
    file = status_file(tmp_path, "0 0 0 2 2 *")
    async with running_host(tmp_path, "--timer-status", str(file), settings=queues.settings) as host:
        await host.log_of(f"ready at {host.url}")
        assert not host.logged("executing", function="tick")


def sharing(azurite: Azurite) -> dict[str, str]:
    """Settings of hosts that share a storage account and a host id."""
    storage = {"AzureWebJobsStorage": azurite.connection_string, "AzureFunctionsWebHost__hostid": uuid.uuid4().hex}
    return storage | {"SCHEDULE": EVERY_SECOND}


async def test_of_two_hosts_on_one_storage_one_runs_the_timer_and_the_other_takes_over(
    tmp_path: Path, azurite: Azurite
) -> None:
    settings = sharing(azurite)
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    async with (
        running_host(tmp_path / "first", settings=Queues(azurite.connection_string).settings | settings) as first,
        running_host(tmp_path / "second", settings=Queues(azurite.connection_string).settings | settings) as second,
    ):
        await first.log_of("tick", times=len(first.logged("tick")) + 3)
        assert not second.logged("tick")
        os.kill(first.pid, signal.SIGKILL)
        killed = datetime.now(UTC)
        await until(lambda: second.logged("tick") or None, within=60)
        taken = datetime.fromisoformat(second.logged("tick")[0]["time"])
        assert taken - killed < timedelta(seconds=40)


async def test_a_host_that_stops_releases_its_timers_at_once(tmp_path: Path, azurite: Azurite) -> None:
    settings = sharing(azurite)
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        queues = Queues(azurite.connection_string)
        async with running_host(tmp_path / run, settings=queues.settings | settings) as host:
            await host.log_of("tick")
