"""Timers: each schedule runs once for the whole app, on one instance at a time, and never overlaps itself.

If several hosts share a storage account, the host that holds a timer's lock runs it.

A file keeps the last run of each schedule. A timer that missed an occurrence while the host was stopped is past due and
runs at once. An occurrence is skipped if the function is still running. A failure is logged and has no other effect.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from local.host.atomic_files import write_whole
from local.host.bindings import Function, TimerTrigger
from local.host.errors import ConfigError, InvocationFailed
from local.host.invocations import Cause, Invocations
from local.host.triggers.singleton_locks import Lock
from local.host.triggers.timer_schedules import Schedule
from local.host.worker.protocol import Typed

type Status = Mapping[str, str]

# The real host keeps no status of schedules that occur more often.
_MONITORED = timedelta(minutes=1)

logger = logging.getLogger("host.timers")


class TimerStatuses:
    """When each timer ran last and runs next, in a file that is replaced atomically; without a file, in memory."""

    def __init__(self, file: Path | None) -> None:
        """Raises ConfigError for a file with other content."""
        self._file = file
        self._statuses: dict[str, Status] = {}
        if file is not None and file.exists():
            try:
                self._statuses = json.loads(file.read_text(encoding="utf-8"))
            except ValueError as error:
                raise ConfigError(f"{file} doesn't hold the statuses of timers: {error}") from error

    def get(self, function: str) -> Status | None:
        return self._statuses.get(function)

    def put(self, function: str, status: Status) -> None:
        self._statuses[function] = status
        if self._file is not None:
            write_whole(self._file, json.dumps(self._statuses))


class Timer:
    def __init__(
        self, function: Function, trigger: TimerTrigger, statuses: TimerStatuses, invocations: Invocations, lock: Lock
    ) -> None:
        """Raises ConfigError for an invalid schedule."""
        self._function = function
        self._trigger = trigger
        self._schedule = Schedule.parse(trigger.schedule)
        self._statuses = statuses
        self._invocations = invocations
        self._lock = lock
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Starts no more runs. `run` returns when the current one has ended."""
        self._stopping.set()

    async def run(self) -> None:
        try:
            while await self._lock.acquire(self._stopping):
                await self._run_by_schedule()
        finally:
            await self._lock.release()

    async def _run_by_schedule(self) -> None:
        """Runs the timer until the host stops or another host holds the lock."""
        now = datetime.now(UTC)
        if self._is_past_due(now):
            await self._fire(past_due=True)
        elif self._trigger.run_on_startup:
            await self._fire(past_due=False)
        else:
            self._record(now, self._schedule.after(now), ran=False)
        while (due := self._schedule.after(datetime.now(UTC))) is not None:
            if await self._stopped_before(due):
                return
            await self._fire(past_due=False)
        logger.warning("schedule %s has no occurrence", self._trigger.schedule, extra={"function": self._function.name})
        await self._stopping.wait()

    def _is_past_due(self, now: datetime) -> bool:
        status = self._statuses.get(self._function.name)
        if status is None or status.get("Schedule") != self._trigger.schedule:
            return False
        return now > datetime.fromisoformat(status["Next"])

    async def _stopped_before(self, due: datetime) -> bool:
        # In steps: the system clock jumps when a laptop wakes, and the event loop's clock doesn't.
        while (wait := (due - datetime.now(UTC)).total_seconds()) > 0 and self._may_run():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(wait, 1.0)):
                    await self._stopping.wait()
        return not self._may_run()

    def _may_run(self) -> bool:
        return self._lock.held and not self._stopping.is_set()

    async def _fire(self, *, past_due: bool) -> None:
        began = datetime.now(UTC)
        info = timer_info(self._statuses.get(self._function.name), past_due=past_due)
        with contextlib.suppress(InvocationFailed):
            await self._invocations.run(self._function, Cause(data=Typed(kind="json", value=json.dumps(info))))
        self._record(began, self._schedule.after(datetime.now(UTC)), ran=True)

    def _record(self, moment: datetime, due: datetime | None, *, ran: bool) -> None:
        if due is None or not self._is_monitored(due):
            return
        before = self._statuses.get(self._function.name) or {}
        self._statuses.put(
            self._function.name,
            {
                "Schedule": self._trigger.schedule,
                "Last": moment.isoformat() if ran else before.get("Last", ""),
                "Next": due.isoformat(),
                "LastUpdated": moment.isoformat(),
            },
        )

    def _is_monitored(self, due: datetime) -> bool:
        following = self._schedule.after(due)
        return following is None or following - due >= _MONITORED


def timer_info(status: Status | None, *, past_due: bool) -> dict[str, Any]:
    """The TimerInfo of the real host, as JSON."""
    shown = {key: value for key, value in (status or {}).items() if key != "Schedule"}
    return {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": shown or None, "IsPastDue": past_due}
