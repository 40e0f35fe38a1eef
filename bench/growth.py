"""Row 3: what a list page, a sweep and a claim cost with ever more recordings in the catalogue.

Each size has a storage of its own, all run at once, and the sizes take turns, so that drift favours none. Azurite looks
through a whole table for each query, as Table Storage doesn't; so a bare operation of the kind that ours is made of is
timed beside it, and ours is given in bare operations too: what grows in that measure is our own doing.
"""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from unittest.mock import patch

from azure.core import MatchConditions
from azure.core.pipeline.transport import AioHttpTransport
from azure.data.tables.aio import TableServiceClient

from bench.copying.job import ACS
from bench.filling import Filler, chunk_of
from bench.options import Options
from bench.report import Findings, Table, Target
from bench.rounds import turns
from local.stack.azurite import Variant, azurite
from local.stack.provision import Resources, provision
from shared.app import App
from shared.domain.clock import SystemClock
from shared.domain.records import Chunk, Recording
from shared.domain.states import ChunkState
from shared.domain.work_item import WorkItem
from shared.gateways.bundle import Gateways
from shared.gateways.tables.entities import CHUNK_ROWS
from shared.settings.settings import load_settings

_OPEN = 50  # chunks that a sweep finds due, whatever else there is
_TIMES = 5  # that each thing is done in a turn; its median counts
_BOUND = 1.2
_PAGE = 25  # recordings, as many as a page has where nothing else is asked for
_DONE = {
    "list": f"a page of {_PAGE} recordings",
    "sweep": f"a sweep that finds {_OPEN} chunks due",
    "claim": "a claim",
    "read": "a bare read of one row",
    "rewrite": "a bare read and a bare write of one row",
    "queries": f"{_PAGE} bare queries of a recording's rows, at once",
}
_MADE_OF = {"list": "queries", "sweep": "read", "claim": "rewrite"}


@dataclass(kw_only=True)
class Grown:
    """An app over a catalogue of some size."""

    app: App
    gateways: Gateways
    tables: TableServiceClient
    names: int = 0

    async def announced(self) -> Chunk:
        """A new recording's chunk, pending."""
        self.names += 1
        chunk = chunk_of(f"open-{self.names:06d}", datetime.now(UTC) - timedelta(minutes=1))
        recording = Recording(
            recording_key=chunk.recording_key, recording_id=chunk.recording_id, listed_at=chunk.listed_at
        )
        await self.gateways.catalogue.announce(recording, (chunk,), None)
        return chunk

    async def list(self) -> Callable[[], Awaitable[Any]]:
        return lambda: self.app.queries.recordings({}, None, by="ada")

    async def sweep(self) -> Callable[[], Awaitable[Any]]:
        for _ in range(_OPEN):
            await self.gateways.worklist.add(WorkItem.of_chunk(await self.announced(), datetime.now(UTC)))
        return self.app.sweep.run

    async def claim(self) -> Callable[[], Awaitable[Any]]:
        chunk = await self.announced()

        async def claim() -> None:
            """As a worker does it: read, then write on condition."""
            found = await self.gateways.catalogue.chunk(chunk.recording_key, chunk.chunk_key)
            if found is None:
                raise LookupError(chunk.chunk_key)
            await self.gateways.catalogue.replace(found.move(ChunkState.COPYING, owner="bench", attempts=1))

        return claim

    async def read(self) -> Callable[[], Awaitable[Any]]:
        chunk = await self.announced()
        table = self.tables.get_table_client("recordings")
        return lambda: table.get_entity(chunk.recording_key, CHUNK_ROWS + chunk.chunk_key)

    async def rewrite(self) -> Callable[[], Awaitable[Any]]:
        chunk = await self.announced()
        table = self.tables.get_table_client("recordings")

        async def rewrite() -> None:
            row = await table.get_entity(chunk.recording_key, CHUNK_ROWS + chunk.chunk_key)
            unchanged = MatchConditions.IfNotModified
            await table.update_entity(row, mode="replace", etag=row.metadata["etag"], match_condition=unchanged)

        return rewrite

    async def queries(self) -> Callable[[], Awaitable[Any]]:
        keys = [(await self.announced()).recording_key for _ in range(_PAGE)]
        return lambda: asyncio.gather(*map(self.gateways.catalogue.recording, keys))


async def growing(options: Options) -> Findings:
    seconds: dict[tuple[str, int], list[float]] = defaultdict(list)
    async with contextlib.AsyncExitStack() as exits:
        grown = {size: await exits.enter_async_context(_grown(options, size)) for size in options.recordings}
        for what in _DONE:  # everything is warm, and every connection open, before anything counts
            for one in grown.values():
                await _taken(one, what)
        requests = {what: [await _requests(one, what) for one in grown.values()] for what in _DONE}
        for _, size in turns(options.recordings, options.rounds):
            for what in _DONE:
                seconds[what, size].append(median([await _taken(grown[size], what) for _ in range(_TIMES)]))
    return _findings(options, {key: median(many) for key, many in seconds.items()}, requests)


def _findings(options: Options, taken: dict[tuple[str, int], float], requests: dict[str, list[int]]) -> Findings:
    smallest, largest = min(options.recordings), max(options.recordings)
    ratios = {what: taken[what, largest] / taken[what, smallest] for what in _DONE}
    bare = {what: ratios[what] / ratios[kind] for what, kind in _MADE_OF.items()}
    rows: list[tuple[str, ...]] = [
        (
            _DONE[what],
            *(f"{taken[what, size] * 1000:.1f}" for size in options.recordings),
            f"{ratios[what]:.2f}",
            f"{bare[what]:.2f}" if what in bare else "",
            " / ".join(map(str, requests[what])),
        )
        for what in _DONE
    ]
    return Findings(
        title="Growth of the catalogue",
        tables=[
            Table(
                title="Milliseconds, with so many recordings",
                columns=(
                    "",
                    *(f"{size:,}" for size in options.recordings),
                    "last over first",
                    "in bare operations",
                    "storage operations",
                ),
                rows=rows,
            )
        ],
        targets=[
            Target(
                what=f"{_DONE[what]}, {largest:,} recordings over {smallest:,}, in bare operations",
                measured=f"{bare[what]:.2f} ({ratios[what]:.2f} in time)",
                wanted=f"at most {_BOUND:.2f}",
                met=bare[what] <= _BOUND and len(set(requests[what])) == 1,
            )
            for what in bare
        ],
    )


@contextlib.asynccontextmanager
async def _grown(options: Options, size: int) -> AsyncIterator[Grown]:
    async with azurite(options.place / str(size), variant=Variant(in_memory=True)) as storage:
        given: dict[str, Any] = {"AzureWebJobsStorage": storage.connection_string, "acs_connection_string": ACS}
        settings = load_settings(**given)
        await provision(storage.connection_string, Resources.named_by({}))
        app = App.over(settings, SystemClock())
        gateways = Gateways.over(app.clients, settings)
        try:
            began = time.perf_counter()
            await Filler(storage=storage, settings=settings, gateways=gateways).fill(size)
            options.console.print(f"  {size:,} recordings entered in {time.perf_counter() - began:.0f} s")
            yield Grown(app=app, gateways=gateways, tables=app.clients.tables)
        finally:
            await app.clients.close()


async def _taken(grown: Grown, what: str) -> float:
    """Seconds."""
    act = await getattr(grown, what)()
    began = time.perf_counter()
    await act()
    return time.perf_counter() - began


async def _requests(grown: Grown, what: str) -> int:
    """How many requests it sends."""
    act = await getattr(grown, what)()
    genuine, sent = AioHttpTransport.send, 0

    async def counted(self: Any, *given: Any, **more: Any) -> Any:
        nonlocal sent
        sent += 1
        return await genuine(self, *given, **more)

    with patch.object(AioHttpTransport, "send", counted):
        await act()
    return sent
