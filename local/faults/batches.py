"""A batch: several schedules at once on one stack, then quiet, recovery, and the invariants over all that stands.

Schedules that run at once share workers, so that a death meant for one meets the others too.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from local.faults.clock import Compression
from local.faults.evidence import Evidence
from local.faults.invariants import Violation, violations
from local.faults.orders import DIRECTORY_SETTING, OrderBook
from local.faults.playing import Played, Player
from local.faults.schedules import DAY, schedule
from local.faults.settling import settle
from local.faults.site import Site, site
from local.stack import Stack, StackOptions

RATE = 600.0  # a second is ten minutes, a day 144 seconds
SIZE = 20  # schedules on one stack
_SWEEPS = 0.5  # real seconds between two; five minutes of the product's clock
_QUIET = 3.0  # real seconds that faults may go on for once every event was taken
_PATIENCE = 600.0  # real seconds; a bound for what must happen: a day of the product's clock, 144, is the least


@dataclass(frozen=True, kw_only=True)
class Outcome:
    seeds: Sequence[int]
    played: Sequence[Played]
    evidence: Evidence
    faults: int  # that fired
    deaths: int
    freezes: int
    violations: Sequence[Violation]
    logs: Path

    def seed_of(self, violation: Violation) -> int | None:
        """The schedule that announced the document, if the violation is about one."""
        return next((one.seed for one in self.played if violation.document_id in one.announced), None)


async def run(seeds: Sequence[int], directory: Path) -> Outcome:
    """Plays these schedules at once, on a stack of two to four workers."""
    compression = Compression(start=datetime.now(UTC), rate=RATE)
    orders = directory / "orders"
    orders.mkdir(parents=True, exist_ok=True)
    options = StackOptions(
        directory=directory / "stack",
        fresh=True,
        workers=2 + seeds[0] // SIZE % 3,
        settings={
            "BLOCK_SIZE_MIB": "1",
            "LEASE_SECONDS": "600",
            "SWEEP_GRACE_SECONDS": "1200",
            "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:01",
            "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.5",
            DIRECTORY_SETTING: str(orders.absolute()),
            **compression.settings(),
        },
        host_arguments=("--worker-plugin", "local.faults.plugin", "--queue-visibility", "2"),
        acs_arguments=("--retention", str(DAY / RATE)),
    )
    book = OrderBook(orders)
    async with Stack(options) as stack, site(stack.addresses, compression) as where:
        return await _played(seeds, where, book, stack.addresses.logs)


async def _played(seeds: Sequence[int], where: Site, book: OrderBook, logs: Path) -> Outcome:
    player = Player(site=where, book=book, rate=RATE)
    async with _swept(where):
        played = await asyncio.gather(*(player.play(schedule(seed)) for seed in seeds))
        await asyncio.sleep(_QUIET)
        faults = sum(fault["fired"] for fault in await where.acs("GET", "/faults"))
        await where.acs("DELETE", "/faults")
        deaths = _fired(book, *(one.deaths for one in played))
        freezes = _fired(book, *(one.freezes for one in played))
    announced = set[str]().union(*(one.announced for one in played))
    await settle(where, announced, None, within=_PATIENCE, failed_is_rest=False)
    evidence = await where.evidence(set[str]().union(*(one.recordings for one in played)))
    return Outcome(
        seeds=seeds,
        played=played,
        evidence=evidence,
        faults=faults,
        deaths=deaths,
        freezes=freezes,
        violations=violations(evidence, announced),
        logs=logs,
    )


def _fired(book: OrderBook, *orders: set[str]) -> int:
    """Those that were carried out; the others won't be any more."""
    return sum(not book.disarm(order) for some in orders for order in some)


@contextlib.asynccontextmanager
async def _swept(where: Site) -> AsyncIterator[None]:
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
