"""An event loop in virtual time, for several simulated processes in one thread.

Callbacks run in the order in which they were scheduled, as on asyncio's own loops: the product may rely on that order.
What the real world decides is when a call to the outside is answered. So the loop asks `decide` for one such answer
each time that no callback is ready, and sets its clock to the next timer only when no call is waiting.

A process is a context variable, which its tasks inherit. A process that died never runs again, not even its `finally`
blocks. The callbacks of a frozen process wait until it continues.
"""

# ruff: noqa: SLF001 - a loop works on what asyncio keeps private in handles, timers and BaseEventLoop

import asyncio
import functools
import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from typing import Any

from local.simulation.world.processes import Process

PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)
_CLOSINGS = 20  # of a coroutine, each of which ends one `finally` block that waits
_KEPT = 64  # tasks, after which those that are done are forgotten
_LONGEST = 200_000  # callbacks at one moment of virtual time; more means an endless loop


class Stuck(Exception):
    """Nothing is left that could run, although the run isn't over, or callbacks run endlessly without time passing."""


class NumberedTask(asyncio.Task[Any]):
    """A task whose position in a set depends on its number and not on its address, so that a run can be repeated."""

    number = 0

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return self is other


class _Handle(asyncio.Handle):
    """A callback that is ready. `call_soon` sets its attributes, which takes half as long as asyncio's `__init__`."""

    __slots__ = ()


@contextmanager
def untracked_tasks() -> Iterator[None]:
    """Doesn't register new tasks for `asyncio.all_tasks`, which takes as long as creating them (Python 3.13).

    Nothing here needs that register. Besides, it would compare the tasks of earlier runs, which have the same numbers.
    """
    register: Any = asyncio.tasks._scheduled_tasks  # type: ignore[attr-defined]
    register.add = lambda _: None
    try:
        yield
    finally:
        del register.add


class VirtualLoop(asyncio.BaseEventLoop):
    """One thread, no I/O, and a clock that jumps."""

    def __init__(self) -> None:
        super().__init__()
        self.decide: Callable[[], bool] = lambda: False
        self.now = 0.0
        self._at_once = 0
        self._over = False
        self._frozen: dict[Process, list[asyncio.Handle]] = {}
        self._tasks: list[NumberedTask] = []  # kept, or the coroutines of dead processes would be closed at some time
        self._started = 0  # tasks
        self._most_kept = _KEPT
        self.failures: list[dict[str, Any]] = []
        self.create_future = functools.partial(asyncio.Future, loop=self)  # type: ignore[method-assign]
        self.set_exception_handler(lambda _, context: self.failures.append(context))

    def time(self) -> float:
        return self.now

    get_debug = staticmethod(bool)  # False, without a call of Python for each future
    _asyncgen_firstiter_hook = staticmethod(bool)  # nothing: `abandon` ends all generators with their tasks

    def spend(self, seconds: float) -> None:
        """Lets some time pass. Timers that become due run once no callback is ready."""
        self.now += seconds
        if seconds:
            self._at_once = 0

    def timers(self) -> list[asyncio.TimerHandle]:
        """All timers that are set."""
        return [one for one in self._scheduled if not one._cancelled]  # type: ignore[attr-defined]

    def tasks(self) -> list[NumberedTask]:
        """The tasks that aren't done, in the order in which they were made."""
        return [task for task in self._tasks if not task.done()]

    def frozen(self) -> list[str]:
        """The names of the processes that stand still."""
        return [process.name for process in self._frozen]

    def freeze(self, process: Process, seconds: float) -> None:
        """Runs nothing of a process for a time. Its calls go on; it gets their answers afterwards."""
        if process not in self._frozen:
            self._frozen[process] = []
            self.call_later(seconds, self._thaw, process, context=Context())

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Runs the function at once: digests take no virtual time."""
        del executor
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - the caller gets it, as from a thread
            done.set_exception(error)
        return done

    def create_task(  # type: ignore[override]
        self, coro: Any, *, name: str | None = None, context: Context | None = None
    ) -> NumberedTask:
        task = NumberedTask(coro, loop=self, name=name, context=context)
        self._started += 1
        task.number = self._started
        if len(self._tasks) >= self._most_kept:
            self._tasks = self.tasks()
            self._most_kept = 2 * len(self._tasks) + _KEPT
        self._tasks.append(task)
        return task

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle: Any = _Handle.__new__(_Handle)
        handle._callback, handle._args, handle._loop = callback, args, self
        handle._context = copy_context() if context is None else context
        handle._cancelled, handle._repr, handle._source_traceback = False, None, None
        self._ready.append(handle)  # type: ignore[attr-defined]
        return handle  # type: ignore[no-any-return]

    call_soon_threadsafe = call_soon  # type: ignore[assignment]  # there is one thread

    def abandon(self) -> None:
        """Ends everything that still waits, without a trace: the run is over."""
        self._over = True
        for task in self.tasks():
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            coroutine: Any = task.get_coro()
            for _ in range(_CLOSINGS):
                try:
                    task.get_context().run(coroutine.close)
                except BaseException:  # noqa: BLE001, S112 - its `finally` blocks still wait for answers
                    continue
                break
        self._ready.clear()  # type: ignore[attr-defined]
        self._scheduled.clear()  # type: ignore[attr-defined]
        self._tasks.clear()
        self._frozen.clear()
        self.close()

    def _asyncgen_finalizer_hook(self, agen: Any) -> None:
        if not self._over:
            super()._asyncgen_finalizer_hook(agen)  # type: ignore[misc]

    def _thaw(self, process: Process) -> None:
        self._ready.extend(self._frozen.pop(process, ()))  # type: ignore[attr-defined]

    def _run_once(self) -> None:  # noqa: C901 - in one piece, see below
        """Runs until the loop is stopped, and not only once, which saves a call for each step.

        A callback is run here and not in a method of its own. The method's frame would be in the traceback of each
        exception that a task ends with, and would keep the task alive until the garbage is collected.
        """
        ready, scheduled = self._ready, self._scheduled  # type: ignore[attr-defined]
        while not self._stopping:  # type: ignore[attr-defined]
            while scheduled and scheduled[0]._cancelled:
                heapq.heappop(scheduled)._scheduled = False
            if not ready and ((scheduled and scheduled[0]._when <= self.now) or not self.decide()):
                self._jump(ready, scheduled)
            self._at_once += 1
            if self._at_once > _LONGEST:
                raise Stuck("callbacks run endlessly while no time passes")
            if not ready:
                continue
            handle = ready.popleft()
            if handle._cancelled:
                continue
            process = handle._context.get(PROCESS)  # a handle runs in its task's context
            if process is not None and not process.runs:
                continue
            if self._frozen and process in self._frozen:
                self._frozen[process].append(handle)
                continue
            try:
                handle._context.run(handle._callback, *handle._args)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001 - as asyncio's Handle does
                self.call_exception_handler({"message": f"exception in a callback: {error!r}", "exception": error})

    def _jump(self, ready: Any, scheduled: Any) -> None:
        """Sets the clock to the next timer and makes all timers of this moment ready."""
        if not scheduled:
            raise Stuck("nothing is left that could run")
        if scheduled[0]._when > self.now:
            self.now, self._at_once = scheduled[0]._when, 0
        while scheduled and scheduled[0]._when <= self.now:
            timer = heapq.heappop(scheduled)
            timer._scheduled = False
            ready.append(timer)

    def _process_events(self, event_list: list[Any]) -> None:
        """There is no I/O."""

    def _write_to_self(self) -> None:
        """There is no selector to wake."""
