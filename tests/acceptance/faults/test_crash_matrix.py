"""A worker is killed at each durable step of intake, archiving, retry and sweep; what it left ends well all the same.

One stack for all points, documents of their own for each. If one of these fails, a crash at that step loses a chunk,
copies it twice, or deletes a source that isn't safe.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from local.faults.invariants import violations
from local.faults.orders import DIRECTORY_SETTING, OrderBook
from local.faults.points import POINTS
from local.faults.settling import settle
from local.faults.site import Site, site
from local.stack import Stack, StackOptions
from shared.identity import key_of
from shared.states import ChunkState

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATIENCE = 90  # seconds; a bound for what must happen, not a measure of how fast it does
SMALL, LARGE = 30_000, 5_400_000  # bytes: one request, and six blocks


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a worker has to be doing to get to a point."""

    size: int = SMALL
    skip: int = 0  # calls that pass before the one that is deadly
    broken_off: bool = False  # by an earlier death, with blocks staged: the copy is one that was taken up again
    fault: dict[str, Any] | None = None  # of the source
    job_lost: bool = False  # so that the sweep finds something to do
    age: timedelta = timedelta()  # of the event
    expired: bool = False  # the source
    ends: ChunkState = ChunkState.RELEASED


BLOCKS = Case(size=LARGE, skip=2)
COMMIT = Case(size=LARGE)
# A file that was taken up again is labelled with its digest once it has been read back.
RESUMED = Case(size=LARGE, broken_off=True)
FAILING = Case(fault={"operation": "download", "kind": "serverError"})
SWEPT = Case(job_lost=True)
NEARING = Case(job_lost=True, age=timedelta(hours=21))
# Past its deadline the source is asked once more; it answers nothing of use, and then the chunk is lost.
DOWN = {"operation": "download", "kind": "serverError", "times": 0}
REFUSED = Case(fault={"operation": "download", "kind": "redirect", "times": 0}, ends=ChunkState.FAILED)
EXPIRED = Case(job_lost=True, age=timedelta(hours=25), fault=DOWN, expired=True, ends=ChunkState.LOST)

CASES = {
    "archiving-before-staging-a-block": BLOCKS,
    "archiving-after-staging-a-block": BLOCKS,
    "archiving-before-committing": COMMIT,
    "archiving-after-committing": COMMIT,
    "archiving-before-labelling": RESUMED,
    "archiving-after-labelling": RESUMED,
    "archiving-before-queueing-a-retry": FAILING,
    "archiving-after-queueing-a-retry": FAILING,
    "archiving-before-writing-pending": FAILING,
    "archiving-after-writing-pending": FAILING,
    "archiving-before-writing-failed": REFUSED,
    "archiving-after-writing-failed": REFUSED,
    "sweep-before-queueing-anew": SWEPT,
    "sweep-after-queueing-anew": SWEPT,
    "sweep-before-saying-when-to-look-again": SWEPT,
    "sweep-after-saying-when-to-look-again": SWEPT,
    "sweep-before-escalating": NEARING,
    "sweep-after-escalating": NEARING,
    "sweep-before-writing-lost": EXPIRED,
    "sweep-after-writing-lost": EXPIRED,
    "sweep-before-announcing": EXPIRED,
    "sweep-after-announcing": EXPIRED,
    "sweep-before-taking-off-worklist": EXPIRED,
    "sweep-after-taking-off-worklist": EXPIRED,
}


@dataclass(frozen=True, kw_only=True)
class Proving:
    site: Site
    book: OrderBook


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def proving(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Proving]:
    orders = tmp_path_factory.mktemp("orders")
    options = StackOptions(
        directory=tmp_path_factory.mktemp("stack"),
        workers=2,
        settings={
            "RETRY_BASE_SECONDS": "0.1",
            "LEASE_SECONDS": "2",
            "SWEEP_GRACE_SECONDS": "1",
            "BLOCK_SIZE_MIB": "1",
            "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:01",
            "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.5",
            DIRECTORY_SETTING: str(orders),
        },
        host_arguments=("--worker-plugin", "local.faults.plugin", "--queue-visibility", "2"),
    )
    async with Stack(options) as stack, site(stack.addresses) as found:
        yield Proving(site=found, book=OrderBook(orders))


@pytest.mark.parametrize("point", POINTS)
async def test_a_worker_that_dies_here_leaves_nothing_undone(proving: Proving, point: str):
    case = CASES.get(point, Case())
    site, book = proving.site, proving.book
    made = await site.document(size=case.size, format="wav", announce=False)
    (document_id,) = (chunk["documentId"] for chunk in made["chunks"])
    key = key_of(made["recordingId"])
    event = aged(made["event"], case.age)
    if case.fault:
        await site.acs("POST", "/faults", documentId=document_id, **case.fault)
    if case.job_lost:
        book.arm("intake-before-queueing", (key,))
        assert not await site.deliver(event), "an event whose job could not be queued must come again"

    if case.expired:
        await site.acs("POST", f"/documents/{document_id}/expire")
    if case.broken_off:
        book.arm("archiving-after-staging-a-block", (key,), skip=2)
    order = book.arm(point, (key, document_id), skip=case.skip)
    if not case.job_lost:
        await taken(site, event)
    async with asyncio.timeout(PATIENCE):
        while not book.has_fired(order):
            await site.sweep()
            await asyncio.sleep(0.3)

    assert await settle(site, [document_id], [key], within=PATIENCE, failed_is_rest=not case.expired), (
        "it never came to rest"
    )
    evidence = await site.evidence([made["recordingId"]], [key])
    assert [violation.sentence for violation in violations(evidence, [document_id])] == []
    assert [chunk.state for chunk in evidence.chunks] == [case.ends]


def aged(event: dict[str, Any], age: timedelta) -> dict[str, Any]:
    return event | {"eventTime": (datetime.now(UTC) - age).isoformat()}


async def taken(site: Site, event: dict[str, Any]) -> None:
    """Delivered until it is taken, as Event Grid does."""
    async with asyncio.timeout(PATIENCE):
        while not await site.deliver(event):
            pass
