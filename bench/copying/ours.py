"""Callvault itself: the product's clients, source, archive and copy engine, as its worker uses them."""

import asyncio
import gc
import os
import time
from contextlib import nullcontext

from bench.copying.job import ACS, CopyJob
from bench.measurement import Window
from bench.profile import profiled
from shared.archiving.copy.engine import Transfer
from shared.archiving.copy.memory import MemoryBudget
from shared.archiving.copy.source_file import open_media
from shared.domain.clock import SystemClock
from shared.domain.files.checksums import Checksum
from shared.domain.files.payload import Payload
from shared.gateways.blobs.archive import ArchiveFile, StagedBlock
from shared.gateways.bundle import Gateways
from shared.gateways.clients import Clients
from shared.settings.settings import load_settings

_TICK = 0.005  # seconds


def run(job: CopyJob, window: Window) -> None:
    os.environ.update(
        {
            "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
            "ACS_CONNECTION_STRING": ACS,
            "ACS_LOCAL_GATEWAY": job.address,
            "ACS_LOCAL_CA": job.ca,
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "ARCHIVE_STORAGE": job.storage,
            "ARCHIVE_CONTAINER": job.container,
            "BLOCK_SIZE_MIB": str(job.block_size // 1024**2),
            "RANGES_IN_FLIGHT": str(job.in_flight),
            "BLOCK_CHECKSUM": job.checksum,
        }
    )
    asyncio.run(_run(job, window))


async def _run(job: CopyJob, window: Window) -> None:
    settings = load_settings()
    clients = Clients(settings)
    gateways = Gateways.over(clients, settings)
    file = gateways.archive.file(job.blob, content_type="audio/wav", properties={"documentid": "bench"})
    gc.freeze()  # as the worker does at its start
    ticking = asyncio.create_task(_worst_stall())
    await asyncio.sleep(0)
    with profiled() if job.profile else nullcontext(), window.open():
        budget = MemoryBudget(settings.blocks_in_memory)
        transfer = Transfer(
            in_flight=settings.ranges_in_flight,
            checksum=settings.block_checksum,
            budget=budget,
            clock=SystemClock(),
        )
        async with open_media(gateways.source, job.url, block_size=settings.block_size, budget=budget) as media:
            await transfer.copy(media, file if job.keeps else _AssumedFile(file))
    ticking.cancel()
    window.more["stall"] = await ticking
    await clients.close()


async def _worst_stall() -> float:
    """The longest delay of a tick of the event loop in seconds. Runs until it is cancelled."""
    worst = 0.0
    try:
        while True:
            due = time.perf_counter() + _TICK
            await asyncio.sleep(_TICK)
            worst = max(worst, time.perf_counter() - due)
    except asyncio.CancelledError:
        return worst


class _AssumedFile(ArchiveFile):
    """A file in a sink without storage. The staged blocks are assumed to be committed."""

    def __init__(self, file: ArchiveFile) -> None:
        vars(self).update(vars(file))
        self._taken: dict[str, int] = {}

    async def stage(self, block_id: str, data: Payload, *, checksum: Checksum) -> None:
        await super().stage(block_id, data, checksum=checksum)
        self._taken[block_id] = data.size

    async def committed(self) -> list[StagedBlock]:
        return [StagedBlock(block_id=one, size=size) for one, size in sorted(self._taken.items())]
