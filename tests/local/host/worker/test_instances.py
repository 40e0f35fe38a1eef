"""If a worker dies or hangs, the host replaces it. Only the invocations in flight fail."""

import asyncio
import os
import signal
from pathlib import Path

from azure.storage.queue.aio import QueueServiceClient

from tests.local.host.http.test_event_grid import event
from tests.local.host.queues import Queues, encoded, observed
from tests.local.host.running import PATIENCE, RunningHost, app_copy, running_host, until
from tests.local.pids import alive, gone


async def killed_and_replaced(host: RunningHost) -> None:
    [pid] = host.workers
    os.kill(pid, signal.SIGKILL)
    await until(lambda: host.workers != [pid] and len(host.workers) == 1)
    assert not alive(pid)


async def test_a_killed_worker_is_replaced_and_the_ready_file_says_so(tmp_path: Path, queues: Queues) -> None:
    async with running_host(tmp_path, settings=queues.settings) as host:
        before = (await host.ask("/api/pid")).json()["pid"]
        assert host.workers == [before]
        await killed_and_replaced(host)
        assert (await host.ask("/api/pid")).json()["pid"] == host.workers[0] != before


async def test_the_start_of_a_worker_is_retried_until_it_succeeds(tmp_path: Path, queues: Queues) -> None:
    app = app_copy(tmp_path)
    code = (app / "function_app.py").read_text()
    async with running_host(tmp_path, app=app, settings=queues.settings) as host:
        (app / "function_app.py").write_text("raise RuntimeError('not now')")
        os.kill(host.workers[0], signal.SIGKILL)
        await host.log_of("worker can't load the app again: RuntimeError: not now", times=2)
        (app / "function_app.py").write_text(code)
        assert (await host.ask("/api/pid")).status == 200


async def test_invocations_of_a_killed_worker_fail_and_its_message_is_delivered_again(
    tmp_path: Path, queues: Queues, storage: QueueServiceClient
) -> None:
    work = await storage.create_queue(queues.work)
    async with running_host(tmp_path, settings=queues.settings) as host:
        request = asyncio.create_task(host.ask("/api/hang"))
        delivery = asyncio.create_task(host.deliver([event("1", hang=True)]))
        await work.send_message(encoded("slow"))
        await host.log_of("hanging")
        await host.log_of("received slow")
        await host.log_of("executing", function="on_event")
        await killed_and_replaced(host)
        assert (await request).status == 500
        assert (await delivery).status == 500
        report = await observed(storage.get_queue_client(queues.observed), body="slow")
        assert report["count"] == 2


async def test_a_function_that_exceeds_its_timeout_ends_only_its_worker(tmp_path: Path, queues: Queues) -> None:
    app = app_copy(tmp_path, functionTimeout="00:00:01")
    async with running_host(tmp_path, app=app, settings=queues.settings) as host:
        [pid] = host.workers
        assert (await host.ask("/api/hang")).status == 500
        await until(lambda: host.workers != [pid] and len(host.workers) == 1)
        assert (await host.ask("/api/pid")).status == 200


async def test_a_function_that_raises_a_cancellation_gets_no_answer_before_its_timeout(
    tmp_path: Path, queues: Queues, storage: QueueServiceClient
) -> None:
    work = await storage.create_queue(queues.work)
    app = app_copy(tmp_path, functionTimeout="00:00:04")
    async with running_host(tmp_path, "--grace", "0", app=app, settings=queues.settings) as host:
        [pid] = host.workers
        await work.send_message(encoded("cancel"))
        await host.log_of("received cancel")
        assert (await host.ask("/api/pause")).status == 200
        assert host.workers == [pid]
        assert not host.logged("succeeded", function="on_message")
        cut_with_it = asyncio.create_task(host.ask("/api/hang"))
        await until(lambda: host.workers != [pid] and len(host.workers) == 1)
        assert (await cut_with_it).status == 500
        assert not alive(pid)


async def test_a_request_right_after_the_death_of_a_worker_fails_and_a_later_one_waits(
    tmp_path: Path, queues: Queues
) -> None:
    async with running_host(tmp_path, settings=queues.settings) as host:
        statuses: set[int] = set()
        async with asyncio.timeout(PATIENCE):
            # Repeated if the machine was too slow for the first request.
            while statuses != {500, 200}:
                await until(lambda: host.workers or None)
                os.kill(host.workers[0], signal.SIGKILL)
                while (answer := await host.ask("/api/pid")).status != 200:
                    assert (answer.status, answer.body) == (500, b"")
                    statuses.add(answer.status)
                statuses.add(answer.status)


async def test_requests_go_to_the_instances_in_turn(tmp_path: Path, queues: Queues) -> None:
    async with running_host(tmp_path, "--workers", "2", settings=queues.settings) as host:
        assert len(host.workers) == 2
        seen = [(await host.ask("/api/pid")).json()["pid"] for _ in range(4)]
        assert sorted(seen) == sorted(host.workers * 2)


async def test_the_other_instances_work_while_one_is_dead(tmp_path: Path, queues: Queues) -> None:
    async with running_host(tmp_path, "--workers", "2", settings=queues.settings) as host:
        os.kill(host.workers[0], signal.SIGKILL)
        await host.log_of("worker process ended; a new one is started")
        answers = await asyncio.gather(*(host.ask("/api/pid") for _ in range(4)))
        assert {answer.status for answer in answers} == {200}


async def test_workers_end_with_a_killed_host_even_when_the_app_blocks_them(tmp_path: Path, queues: Queues) -> None:
    async with running_host(tmp_path, "--workers", "2", settings=queues.settings) as host:
        workers = host.workers
        stuck = asyncio.create_task(host.ask("/api/block"))
        await host.log_of("blocking")
        os.kill(host.pid, signal.SIGKILL)
        await gone(*workers)
        assert isinstance((await asyncio.gather(stuck, return_exceptions=True))[0], Exception)


async def test_a_plugin_is_imported_before_the_app(tmp_path: Path, queues: Queues) -> None:
    module = "import os\nos.environ['PLUGGED'] = 'in'\n"
    (tmp_path / "callvault_test_plugin.py").write_text(module)
    settings = queues.settings | {"PYTHONPATH": str(tmp_path)}
    async with running_host(tmp_path, "--worker-plugin", "callvault_test_plugin", settings=settings) as host:
        assert (await host.ask("/api/setting/PLUGGED")).json() == {"value": "in"}
