"""Runs a batch: plays its schedules on one stack, waits for recovery, and checks the invariants over all data."""

import asyncio
import contextlib
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.faults.batches.batch import SIZE, Batch, Outcome
from local.faults.batches.idle import wait_for_expected_ends
from local.faults.injection.compressed_clock import Compression
from local.faults.injection.crash_orders import DIRECTORY_SETTING, OrderBook
from local.faults.injection.detour import Detour
from local.faults.injection.disturbances import Disturber
from local.faults.injection.storage_faults import StorageFaults
from local.faults.judging.answers import wrong_answers
from local.faults.judging.audit import unaudited
from local.faults.judging.deletion_check import DeletionCheck
from local.faults.judging.expectations import Expectations
from local.faults.judging.invariants import violations
from local.faults.judging.violations import Kind, violation
from local.faults.playing.player import Played, Player
from local.faults.playing.tampering import Tamperer, spoil
from local.faults.running_stack.stack_client import StackClient, stack_client
from local.faults.schedules.unusual_events import End
from local.processes.ports import free_port
from local.stack import Stack, StackOptions
from shared.domain.records import Chunk

FASTEST, SLOWEST = 600.0, 150.0  # product seconds per real second; lower under load
_SWEEPS = 0.5  # real seconds between two; five minutes of the product's clock
_QUIET = 1.0  # real seconds for which faults continue after every event was accepted
_PATIENCE = 600.0  # real seconds; the longest wait for an expected result
_USUAL_START = 1.0  # seconds that a program takes to import SDKs
_SURELY = timedelta(minutes=30)  # before a deadline: the source still exists by every clock
_SKEW = 120.0  # seconds of the product's clock
_KEYS = ("--function-key", "--system-key", "--master-key")


def pace() -> float:
    """A clock rate that suits this machine now, measured by the time that importing the SDKs takes."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import aiohttp, azure.data.tables.aio"], check=True)
    return max(SLOWEST, min(FASTEST, FASTEST * _USUAL_START / (time.monotonic() - began)))


async def run(batch: Batch, directory: Path) -> Outcome:
    """Runs all schedules of the batch at the same time, on a stack of two to four workers."""
    first = batch.seeds[0]
    rate = await asyncio.to_thread(pace)
    compression = Compression(start=datetime.now(UTC), rate=rate)
    orders = directory / "orders"
    orders.mkdir(parents=True, exist_ok=True)
    rng = random.Random(f"batch {first}")  # noqa: S311 - the same seed must give the same batch
    detour = Detour(StorageFaults(batch.plan.rules, rng))
    keys = [part for name in _KEYS for part in (name, f"{name.strip('-')}-of-a-batch")]
    options = StackOptions(
        directory=directory / "stack",
        fresh=True,
        workers=2 + first // SIZE % 3,
        settings={
            "BLOCK_SIZE_MIB": "1",
            "LEASE_SECONDS": "600",
            "SWEEP_GRACE_SECONDS": "1200",
            "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:01",
            "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.5",
            DIRECTORY_SETTING: str(orders.absolute()),
            **compression.settings(skew=_SKEW),
            **batch.settings,
        },
        detour=detour,
        # A replaced host must keep its port, because Event Grid has its address.
        host_arguments=(
            *("--worker-plugin", "local.faults.worker_plugin", "--queue-visibility", "2"),
            *("--port", str(free_port()), *keys),
        ),
    )
    async with Stack(options) as stack, stack_client(stack.addresses, compression) as where:
        tamperer = Tamperer(client=where)
        deletion_check = DeletionCheck(client=where, tamperer=tamperer)
        player = Player(client=where, book=OrderBook(orders), tamperer=tamperer, rate=rate)
        disturber = Disturber(stack=stack, relay=detour.relay, rng=rng)
        async with deletion_check.watching():
            return await _Run(
                batch=batch,
                client=where,
                player=player,
                deletion_check=deletion_check,
                disturber=disturber,
                detour=detour,
            ).outcome(stack.addresses.logs)


@dataclass(frozen=True, kw_only=True)
class _Run:
    batch: Batch
    client: StackClient
    player: Player
    deletion_check: DeletionCheck
    disturber: Disturber
    detour: Detour

    async def outcome(self, logs: Path) -> Outcome:
        played, happened = await self._played()
        announced = _union(played)
        expected = Expectations(
            ends=announced,
            quiet_at=self.client.now(),
            patience=self.batch.patience,
            wants_media=frozenset(document for one in played for document in one.wants_media),
            corrected=frozenset(document for one in played for document in one.corrected),
            tampered={document: tampering for document, (tampering, _) in self.deletion_check.tamperer.done.items()},
            quarantined=sum(one.quarantined for one in played),
        )
        is_wrong = self._is_wrong if self.batch.ends_at_the_first else lambda _: False
        played_at = asyncio.get_running_loop().time()
        await wait_for_expected_ends(self.client, announced, expected, within=_PATIENCE, is_wrong=is_wrong)
        happened["seconds of recovery"] = round(asyncio.get_running_loop().time() - played_at)
        recordings = set[str]().union(*(one.recordings for one in played))
        gaps = set[str]().union(*(one.gaps for one in played))
        evidence = await self.client.evidence(recordings)
        judged = violations(evidence, announced, expected)
        if judged:
            # A job or the sweep may have changed data between two reads: collect the evidence again.
            evidence = await self.client.evidence(recordings)
            judged = [one for one in judged if one in violations(evidence, announced, expected)]
        found = [*self.deletion_check.found, *judged]
        for one in played:
            found += await unaudited(self.client, one.requests, evidence.chunks, one.announced, one.corrected)
            found += [
                violation(Kind.UNFINISHED, None, f"an event ({what}) was not accepted in time") for what in one.refused
            ]
        if self.batch.spoiled:
            found = [one for one in found if one.document_id is not None]
        elif answered := await wrong_answers(self.client, evidence, gaps):
            # A worker may have changed data between the evidence and the request: collect both again.
            evidence = await self.client.evidence(recordings)
            found += [one for one in await wrong_answers(self.client, evidence, gaps) if one in answered]
        happened["deletes witnessed"] = self.deletion_check.deletes
        return Outcome(
            seeds=self.batch.seeds,
            played=played,
            evidence=evidence,
            happened=happened,
            violations=found,
            logs=logs,
        )

    def _is_wrong(self, chunks: list[Chunk]) -> bool:
        """Whether a violation is certain, so that waiting longer can't resolve it."""
        return bool(self.deletion_check.found) or any(
            chunk.lost_at is not None and chunk.lost_at < chunk.deadline - _SURELY for chunk in chunks
        )

    async def _played(self) -> tuple[list[Played], Counter[str]]:
        """Runs all faults and disturbances, except for faults that last to the end of the run."""
        began = asyncio.get_running_loop().time()
        if self.batch.spoiled:
            await spoil(self.client)
        self.detour.storage_faults.begin()
        async with _sweeping(self.client), asyncio.TaskGroup() as group:
            disturbing = group.create_task(self.disturber.disturb(self.batch.plan.disturbances))
            playing = [group.create_task(self.player.play(one)) for one in self.batch.schedules]
            await asyncio.gather(disturbing, *playing)
            await asyncio.sleep(_QUIET)
        self.detour.storage_faults.end()
        played = [one.result() for one in playing]
        faults = await self.client.acs("GET", "/faults")
        passing = set[str]().union(*(one.passing for one in played))
        for fault in faults:
            if fault["id"] in passing:
                await self.client.acs("DELETE", f"/faults/{fault['id']}")
        happened = Counter[str](
            {
                "seconds of trouble": round(asyncio.get_running_loop().time() - began),
                "faults of ACS": sum(fault["fired"] for fault in faults),
                "faults of storage": self.detour.storage_faults.fired.total(),
                "killed at a step": _fired(self.player.book, *(one.deaths for one in played)),
                "frozen at a step": _fired(self.player.book, *(one.freezes for one in played)),
                "files tampered with": len(self.deletion_check.tamperer.done),
            }
        )
        happened.update({str(kind): number for kind, number in self.disturber.carried_out.items()})
        return played, happened


def _union(played: Sequence[Played]) -> dict[str, End]:
    return {document: end for one in played for document, end in one.announced.items()}


def _fired(book: OrderBook, *orders: set[str]) -> int:
    """The number of orders that were carried out. Disarms the others."""
    return sum(not book.disarm(order) for group in orders for order in group)


@contextlib.asynccontextmanager
async def _sweeping(where: StackClient) -> AsyncIterator[None]:
    async def sweep() -> None:
        while True:
            await where.sweep()
            await asyncio.sleep(_SWEEPS)

    sweeping = asyncio.create_task(sweep())
    try:
        yield
    finally:
        sweeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sweeping
