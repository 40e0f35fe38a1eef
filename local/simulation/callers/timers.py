"""The timer triggers: each runs on one of the hosts, and never twice at once.

Nothing here polls. The worklist is read again when a call has changed it or when a row becomes due. A sweep that would
find no due row is skipped, because it changes nothing.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from local.simulation.callers.platform import Platform
from local.simulation.judging.sweeps import Rows, Sweeps
from local.simulation.world.cluster import BEGIN, Outcome

_MINUTE = 60.0
_DEAD_LETTERS_EVERY = 300.0
_LONG_AGO = "2000-01-01T00:00:00+00:00"


@dataclass
class Timers:
    """The sweep, and the processing of dead letters. `undelivered`: how many requests Event Grid still delivers."""

    platform: Platform
    undelivered: Callable[[], int]
    _worklist_changed: asyncio.Event = field(default_factory=asyncio.Event)
    _sweeps: Sweeps = field(default_factory=Sweeps)

    def start(self) -> None:
        self.platform.spawn(self._sweep())
        self.platform.spawn(self._process_dead_letters())

    def changed(self) -> None:
        """A call has changed the worklist."""
        self._worklist_changed.set()

    async def _sweep(self) -> None:
        while True:
            await self._next_sweep()
            host = await self.platform.some_host()
            now = self.platform.clock.now() + host.skew
            due = {key: row for key, row in self._rows().items() if _due(row.entity.get("dueAt")) <= now}
            if not due:
                continue
            outcome = await self.platform.cluster.invoke(host, "sweep", lambda app: app.sweep.run())
            if outcome is Outcome.DONE and (wrong := self._sweeps.ended(due, self._rows())):
                self.platform.cluster.unforeseen.append(wrong)

    def _rows(self) -> Rows:
        rows: Rows = self.platform.account.tables[self.platform.settings.worklist_table].rows
        return rows

    def _dues(self) -> list[datetime]:
        return [_due(row.entity.get("dueAt")) for row in self._rows().values()]

    async def _next_sweep(self) -> None:
        """Waits for the first full minute at which a row is due by any host's clock."""
        while True:
            dues, now = self._dues(), self.platform.loop.time()
            minute = (now // _MINUTE + 1) * _MINUTE
            if dues:
                ahead = max((host.skew for host in self.platform.cluster.hosts), default=timedelta())
                due = (min(dues) - ahead - BEGIN).total_seconds()
                minute = max(minute, -(-due // _MINUTE) * _MINUTE)
            self._worklist_changed.clear()
            try:
                async with asyncio.timeout(minute - now if dues else None):
                    await self._worklist_changed.wait()
            except TimeoutError:
                return

    async def _process_dead_letters(self) -> None:
        container = self.platform.account.containers[self.platform.settings.deadletter_container]
        while True:
            await asyncio.sleep(_DEAD_LETTERS_EVERY)
            if container.names():
                await self.platform.invoke("process_dead_letters", lambda app: app.dead_letters.run())
            elif not self.undelivered():
                await self._wait_for_events()

    async def _wait_for_events(self) -> None:
        """No dead letter can appear before another event is published."""
        while not self.undelivered():  # noqa: ASYNC110 - no event is set for it
            await asyncio.sleep(3600)


def _due(text: str | None) -> datetime:
    """When a row is due. A row without a readable time is due at once."""
    try:
        return datetime.fromisoformat(text or _LONG_AGO)
    except ValueError:
        return datetime.fromisoformat(_LONG_AGO)
