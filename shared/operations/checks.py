"""Checks of a running deployment: health reports them to monitors, the doctor to people.

Reads the version of the data's schema, the nearest deadlines from the worklist's sixteen shards and a few chunks, and
sends one request each to both queues, the archive and ACS, all concurrently, so the cost doesn't grow with the archive.
Each chunk on the worklist is read from the catalogue before it counts, because a safe chunk stays on the worklist until
its source is deleted. A row that this version can't read is reported and doesn't hide other rows.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched

from shared.domain.clock import Clock
from shared.domain.records import Chunk
from shared.domain.states import ONCE_SAFE, ChunkState
from shared.domain.work_item import WorkItem
from shared.errors import CallvaultError, UnreadableRow
from shared.gateways.bundle import Gateways
from shared.gateways.tables.worklist import Head
from shared.settings.settings import Settings

_PATIENCE = 10.0  # seconds for each check; a monitor waits 30 seconds
_NEAR = timedelta(hours=4)  # before a deadline: when the sweep starts to log errors
_NEAR_SHARE = 6  # ... but at most a sixth of the retention
_AT_ONCE = 16  # chunks read concurrently; usually the first one is open
_NAMED = 3  # unreadable rows listed in a check's detail
_SWEEP_SILENT = timedelta(minutes=10)  # how long a row may be due before the check fails; the sweep runs every minute


class Unanswered(CallvaultError):
    """Nothing answered in time."""

    reason = "timeout"


@dataclass(frozen=True, kw_only=True)
class Check:
    """The result of one check. `reason` is a stable slug and `detail` a sentence with the fix; None if it passed."""

    name: str
    reason: str | None = None
    detail: str | None = None

    @property
    def ok(self) -> bool:
        return self.reason is None


@dataclass(frozen=True, kw_only=True)
class Checked:
    """All results, and the open chunk with the least time left, if any."""

    checks: tuple[Check, ...]
    oldest: Chunk | None


@dataclass(frozen=True, kw_only=True)
class _Nearest:
    """The open chunk with the least time left, and the unreadable rows, among the worklist's first rows."""

    oldest: Chunk | None = None
    unreadable: tuple[str, ...] = ()


async def tried[T](work: Awaitable[T], *, seconds: float) -> T | CallvaultError:
    """The result of `work`, or the error that it raises; Unanswered after `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except CallvaultError as error:
        return error
    except TimeoutError:
        return Unanswered(f"no answer within {seconds:.0f} s")


class Checks:
    """Checks whether storage and ACS are reachable, and whether open work progresses."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._worklist, self._catalogue, self._jobs = gateways.worklist, gateways.catalogue, gateways.jobs
        self._schema = gateways.schema
        self._archived, self._recorder = gateways.archive_reader, gateways.recorder
        self._clock = clock
        self._near = min(_NEAR, settings.retention / _NEAR_SHARE)

    async def run(self) -> Checked:
        """Raises nothing: a service that can't be reached is a failed check."""
        schema, worklist, queue, poison, archive, acs = await asyncio.gather(
            tried(self._schema.check(), seconds=_PATIENCE),
            tried(self._worklist.nearest(), seconds=_PATIENCE),
            tried(self._jobs.check(), seconds=_PATIENCE),
            tried(self._jobs.poisoned(), seconds=_PATIENCE),
            tried(self._archived.check(), seconds=_PATIENCE),
            tried(self._recorder.check(), seconds=_PATIENCE),
        )
        now = self._clock.now()
        head = Head(items=[], is_all=True) if isinstance(worklist, CallvaultError) else worklist
        nearest = await tried(self._look_up(head.items), seconds=_PATIENCE)
        if isinstance(nearest, CallvaultError):
            deadline, nearest = _reached("deadline", nearest), _Nearest()
        else:
            deadline = self._deadline(nearest.oldest, now, is_all=head.is_all)
        checks = (
            _reached("schema", schema),
            _reached("tables", worklist),
            _reached("queue", queue),
            _reached("poison", poison) if isinstance(poison, CallvaultError) else _poison(poison),
            _reached("archive", archive),
            _reached("acs", acs),
            deadline,
            _catalogue(nearest.unreadable),
            _sweep(head.items, now),
        )
        return Checked(checks=checks, oldest=nearest.oldest)

    async def _look_up(self, rows: list[WorkItem]) -> _Nearest:
        """The open chunk with the nearest deadline, if any, and the unreadable rows before it."""
        unreadable = [f"worklist, {item.row}: {item.flaw}" for item in rows if item.flaw is not None]
        for some in batched([item for item in rows if item.flaw is None], _AT_ONCE, strict=False):
            found = await asyncio.gather(*map(self._catalogue.chunk_of, some))
            unreadable += [str(one) for one in found if isinstance(one, UnreadableRow)]
            chunks = [one for one in found if isinstance(one, Chunk) and one.state not in (*ONCE_SAFE, ChunkState.LOST)]
            if chunks:
                return _Nearest(oldest=chunks[0], unreadable=tuple(unreadable))
        return _Nearest(unreadable=tuple(unreadable))

    def _deadline(self, chunk: Chunk | None, now: datetime, *, is_all: bool) -> Check:
        if chunk is None and not is_all:
            detail = (
                "too many chunks wait for their source to be deleted: chunks with later deadlines weren't checked; "
                "search the log for `source not deleted` and fix its reason (usually the app's role on ACS)"
            )
            return Check(name="deadline", reason="unseen", detail=detail)
        if chunk is None or chunk.deadline - now > self._near:
            return Check(name="deadline")
        left = chunk.deadline - now
        hours = abs(left.total_seconds()) / 3600
        due = (
            f"in {hours:.1f} hours"
            if left > timedelta()
            else f"at any moment: its deadline passed {hours:.1f} hours ago"
        )
        detail = f"a chunk isn't safe, and ACS may delete its source {due}"
        return Check(name="deadline", reason=chunk.reason or "late", detail=detail)


def _reached(name: str, result: object) -> Check:
    if isinstance(result, CallvaultError):
        return Check(name=name, reason=result.reason, detail=str(result))
    return Check(name=name)


def _poison(messages: int) -> Check:
    if not messages:
        return Check(name="poison")
    detail = (
        f"{messages} messages stay on the poison queue: check the log of the function keep_poison_message; the sweep "
        "queues the chunks again; then delete the messages"
    )
    return Check(name="poison", reason="poison-messages", detail=detail)


def _catalogue(unreadable: tuple[str, ...]) -> Check:
    if not unreadable:
        return Check(name="catalogue")
    more = "; …" if len(unreadable) > _NAMED else ""
    detail = (
        f"this version of the app can't read {len(unreadable)} rows: {'; '.join(unreadable[:_NAMED])}{more}; if a "
        "newer version wrote them, deploy that version again"
    )
    return Check(name="catalogue", reason="row-unreadable", detail=detail)


def _sweep(rows: list[WorkItem], now: datetime) -> Check:
    late = max((now - item.due_at for item in rows if item.flaw is None), default=timedelta())
    if late < _SWEEP_SILENT:
        return Check(name="sweep")
    detail = (
        f"a chunk has been due for {late.total_seconds() / 60:.0f} minutes without a sweep: check that the function "
        "sweep runs"
    )
    return Check(name="sweep", reason="sweep-silent", detail=detail)
