"""The app's instances: each is a worker process that is restarted whenever it ends, until the host stops.

A call waits until its instance is ready. Right after the end of a process, a call fails instead: the real host hasn't
noticed the end yet and gives the call to the dead worker. Calls in flight at the end of a process fail, too. If the
first start fails, the app can't be loaded. Later failed starts are retried.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence

from local.host.errors import IndexingFailed, InvocationFailed, InvocationTimedOut, WorkerLost
from local.host.worker.process import Launch, WorkerProcess
from local.host.worker.protocol import Call, FunctionRecord, Outcome

# Seconds before each attempt to start a process, and seconds that a call waits for one.
_RESTART_DELAYS = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)
_PATIENCE = 30
# Seconds until the real host notices that a worker has died.
_UNNOTICED = 0.1

logger = logging.getLogger("host.instances")


class Instance:
    def __init__(self, number: int, launch: Launch, timeout: float | None, changed: Callable[[], None]) -> None:
        """`timeout` is functionTimeout in seconds. `changed` is called when there is a new process."""
        self.number = number
        self._launch = launch
        self._timeout = timeout
        self._changed = changed
        self._worker: WorkerProcess | None = None
        self._ready = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._ended_at = 0.0

    @property
    def pid(self) -> int | None:
        return self._worker.pid if self._worker else None

    @property
    def is_ready(self) -> bool:
        return self._ready.is_set()

    async def start(self) -> list[FunctionRecord]:
        """Raises IndexingFailed."""
        worker = await WorkerProcess.start(self._launch)
        self._take(worker)
        self._keeper = asyncio.create_task(self._keep(worker))
        return worker.functions

    def _take(self, worker: WorkerProcess) -> None:
        self._worker = worker
        self._ready.set()
        self._changed()

    async def ready(self) -> WorkerProcess:
        await self._ready.wait()
        if self._worker is None:
            raise RuntimeError("an instance is ready only once it has a worker process")
        return self._worker

    async def call(self, call: Call) -> Outcome:
        """Raises InvocationFailed or a subclass. A call that exceeds the timeout ends the worker."""
        if not self.is_ready and self._worker is not None and time.monotonic() - self._ended_at < _UNNOTICED:
            raise WorkerLost(self._worker.pid)
        try:
            async with asyncio.timeout(_PATIENCE):
                worker = await self.ready()
        except TimeoutError:
            raise InvocationFailed(f"no worker process is ready after {_PATIENCE} s") from None
        try:
            async with asyncio.timeout(self._timeout):
                return await worker.call(call)
        except TimeoutError:
            # A thread can't be ended, so the process is ended, as in the real host.
            worker.kill()
            raise InvocationTimedOut(f"exceeded functionTimeout of {self._timeout} s: worker is restarted") from None

    async def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        if self._worker is not None:
            await self._worker.stop()

    async def _keep(self, worker: WorkerProcess) -> None:
        while True:
            await worker.ended.wait()
            self._ready.clear()
            self._ended_at = time.monotonic()
            about = {"instance": self.number, "pid": worker.pid}
            logger.error("worker process ended; a new one is started", extra=about)
            worker = await self._restarted()
            self._take(worker)

    async def _restarted(self) -> WorkerProcess:
        attempt = 0
        while True:
            await asyncio.sleep(_RESTART_DELAYS[min(attempt, len(_RESTART_DELAYS) - 1)])
            try:
                return await WorkerProcess.start(self._launch)
            except IndexingFailed as error:
                logger.error("worker can't load the app again: %s", error, extra={"instance": self.number})  # noqa: TRY400 - the worker's traceback is in the log
                attempt += 1


class Instances:
    """All instances of the app."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        self.all = instances
        self._turn = 0

    @property
    def pids(self) -> list[int]:
        return [instance.pid for instance in self.all if instance.is_ready and instance.pid is not None]

    async def start(self) -> list[FunctionRecord]:
        """Starts all instances. Returns the functions of the app. Raises IndexingFailed."""
        starts = await asyncio.gather(*(instance.start() for instance in self.all), return_exceptions=True)
        for result in starts:
            if isinstance(result, BaseException):
                raise result
        return next(result for result in starts if not isinstance(result, BaseException))

    def pick(self) -> Instance:
        """The next instance, round robin over those that are ready. If none is ready, over all."""
        ready = [instance for instance in self.all if instance.is_ready] or self.all
        self._turn += 1
        return ready[self._turn % len(ready)]

    async def stop(self) -> None:
        await asyncio.gather(*(instance.stop() for instance in self.all))
