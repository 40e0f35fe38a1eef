"""Row 3: the cost of a list page, a sweep and a claim with a growing number of recordings in the catalogue.

Each size has its own storage. All storages run at once, and the sizes take turns, so that drift affects all equally.
Unlike Table Storage, Azurite reads the whole table for each query. Therefore, bare storage operations are timed as
well, and the results are also given in bare operations. Growth in that unit is caused by the product.
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
from bench.growth.filling import Filler, chunk_of
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
_TIMES = 5  # repetitions in a turn; the median counts
_BOUND = 1.2
_PAGE = 25  # recordings on a page by default

type _Act = Callable[[], Awaitable[Any]]


@dataclass(kw_only=True)
class Grown:
    """An app with a catalogue of some size."""

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
        await self.gateways.catalogue.add_chunks(recording, (chunk,), None)
        return chunk

    async def list(self) -> _Act:
        return lambda: self.app.queries.recordings({}, None, by="ada")

    async def sweep(self) -> _Act:
        for _ in range(_OPEN):
            await self.gateways.worklist.add(WorkItem.of_chunk(await self.announced(), datetime.now(UTC)))
        return self.app.sweep.run

    async def claim(self) -> _Act:
        chunk = await self.announced()

        async def claim() -> None:
            """Claims as a worker does: reads, then writes on condition."""
            found = await self.gateways.catalogue.chunk(chunk.recording_key, chunk.chunk_key)
            if found is None:
                raise LookupError(chunk.chunk_key)
            await self.gateways.catalogue.replace(found.move(ChunkState.COPYING, owner="bench", attempts=1))

        return claim

    async def read(self) -> _Act:
        chunk = await self.announced()
        table = self.tables.get_table_client("recordings")
        return lambda: table.get_entity(chunk.recording_key, CHUNK_ROWS + chunk.chunk_key)

    async def rewrite(self) -> _Act:
        chunk = await self.announced()
        table = self.tables.get_table_client("recordings")

        async def rewrite() -> None:
            row = await table.get_entity(chunk.recording_key, CHUNK_ROWS + chunk.chunk_key)
            unchanged = MatchConditions.IfNotModified
            await table.update_entity(row, mode="replace", etag=row.metadata["etag"], match_condition=unchanged)

        return rewrite

    async def queries(self) -> _Act:
        keys = [(await self.announced()).recording_key for _ in range(_PAGE)]
        return lambda: asyncio.gather(*map(self.gateways.catalogue.recording, keys))


@dataclass(frozen=True, kw_only=True)
class _Operation:
    """An operation that is timed. `prepare` adds the rows that it needs, and returns the function to time."""

    text: str
    prepare: Callable[[Grown], Awaitable[_Act]]


_LIST = _Operation(text=f"a page of {_PAGE} recordings", prepare=Grown.list)
_SWEEP = _Operation(text=f"a sweep that finds {_OPEN} chunks due", prepare=Grown.sweep)
_CLAIM = _Operation(text="a claim", prepare=Grown.claim)
_READ = _Operation(text="a bare read of one row", prepare=Grown.read)
_REWRITE = _Operation(text="a bare read and a bare write of one row", prepare=Grown.rewrite)
_QUERIES = _Operation(text=f"{_PAGE} bare queries of a recording's rows, at once", prepare=Grown.queries)
_OPERATIONS = (_LIST, _SWEEP, _CLAIM, _READ, _REWRITE, _QUERIES)
_MADE_OF = {_LIST: _QUERIES, _SWEEP: _READ, _CLAIM: _REWRITE}


async def growing(options: Options) -> Findings:
    seconds: dict[tuple[_Operation, int], list[float]] = defaultdict(list)
    async with contextlib.AsyncExitStack() as exits:
        grown = {size: await exits.enter_async_context(_grown(options, size)) for size in options.recordings}
        for operation in _OPERATIONS:  # warm-up: opens all connections
            for one in grown.values():
                await _taken(one, operation)
        requests = {operation: [await _requests(one, operation) for one in grown.values()] for operation in _OPERATIONS}
        for _, size in turns(options.recordings, options.rounds):
            for operation in _OPERATIONS:
                seconds[operation, size].append(median([await _taken(grown[size], operation) for _ in range(_TIMES)]))
    return _findings(options, {key: median(many) for key, many in seconds.items()}, requests)


def _findings(
    options: Options, taken: dict[tuple[_Operation, int], float], requests: dict[_Operation, list[int]]
) -> Findings:
    smallest, largest = min(options.recordings), max(options.recordings)
    ratios = {operation: taken[operation, largest] / taken[operation, smallest] for operation in _OPERATIONS}
    bare = {operation: ratios[operation] / ratios[kind] for operation, kind in _MADE_OF.items()}
    rows: list[tuple[str, ...]] = [
        (
            operation.text,
            *(f"{taken[operation, size] * 1000:.1f}" for size in options.recordings),
            f"{ratios[operation]:.2f}",
            f"{bare[operation]:.2f}" if operation in bare else "",
            " / ".join(map(str, requests[operation])),
        )
        for operation in _OPERATIONS
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
                what=f"{operation.text}, {largest:,} recordings over {smallest:,}, in bare operations",
                measured=f"{bare[operation]:.2f} ({ratios[operation]:.2f} in time)",
                wanted=f"at most {_BOUND:.2f}",
                met=bare[operation] <= _BOUND and len(set(requests[operation])) == 1,
            )
            for operation in bare
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
            options.console.print(f"  {size:,} recordings added in {time.perf_counter() - began:.0f} s")
            yield Grown(app=app, gateways=gateways, tables=app.clients.tables)
        finally:
            await app.clients.close()


async def _taken(grown: Grown, operation: _Operation) -> float:
    """The duration of one operation in seconds."""
    act = await operation.prepare(grown)
    began = time.perf_counter()
    await act()
    return time.perf_counter() - began


async def _requests(grown: Grown, operation: _Operation) -> int:
    """The number of requests of one operation."""
    act = await operation.prepare(grown)
    with patch.object(AioHttpTransport, "send", autospec=True, side_effect=AioHttpTransport.send) as sent:
        await act()
    return sent.await_count
