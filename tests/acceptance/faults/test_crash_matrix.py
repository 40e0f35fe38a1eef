"""A worker is killed at each durable step of intake, archiving, retry and sweep; what it left ends well all the same.

One stack for all points, documents of their own for each. One order to die is given at a time, so that each worker
dies exactly where it should; what earlier ones left is taken up meanwhile, and meets the later deaths as well. If one
of these fails, a crash at that step loses a chunk, copies it twice, or deletes a source that isn't safe.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from local.faults.invariants import Violation, violations
from local.faults.orders import DIRECTORY_SETTING, OrderBook
from local.faults.points import POINTS, Scene
from local.faults.settling import settle
from local.faults.site import Site, site
from local.stack import Stack, StackOptions
from shared.domain.keys import key_of
from shared.domain.records import Chunk
from shared.domain.states import ChunkState

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATIENCE = 120  # seconds; a bound for what must happen, not a measure of how fast it does
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
# Two days after its event no source exists any more, so the chunk is lost without another answer.
DOWN = {"operation": "download", "kind": "serverError", "times": 0}
REFUSED = Case(fault={"operation": "download", "kind": "redirect", "times": 0}, ends=ChunkState.FAILED)
EXPIRED = Case(job_lost=True, age=timedelta(hours=100), fault=DOWN, expired=True, ends=ChunkState.LOST)

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
class Death:
    """A worker that was to die at a point."""

    document_id: str
    recording_id: str
    expired: bool
    came: bool  # to that point, and died


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    deaths: dict[str, Death]  # by point
    found: list[Violation]
    chunks: dict[str, list[Chunk]]  # by document


@pytest_asyncio.fixture(scope="module", loop_scope="session", name="aftermath")
async def aftermath_fixture(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Aftermath:
    """What stands once workers have died at every point that is to be tried, and all has come to rest."""
    orders = tmp_path_factory.mktemp("orders")
    options = StackOptions(
        directory=tmp_path_factory.mktemp("stack"),
        workers=3,
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
    async with Stack(options) as stack, site(stack.addresses) as where:
        deaths = {point: await died(where, OrderBook(orders), point) for point in asked_for(request)}
        last_to_end = [death for death in deaths.values() if death.expired]
        for some, failed_is_rest in ((last_to_end, False), (list(deaths.values()), True)):
            documents = [death.document_id for death in some]
            keys = [key_of(death.recording_id) for death in some]
            # Whether it came to rest is told by what is wrong with what stands then.
            await settle(where, documents, keys, within=PATIENCE, failed_is_rest=failed_is_rest)
        evidence = await where.evidence([death.recording_id for death in deaths.values()])
    chunks: dict[str, list[Chunk]] = defaultdict(list)
    for chunk in evidence.chunks:
        chunks[chunk.document_id].append(chunk)
    announced = [death.document_id for death in deaths.values()]
    return Aftermath(deaths=deaths, found=violations(evidence, announced), chunks=chunks)


def asked_for(request: pytest.FixtureRequest) -> list[str]:
    """The points of those tests of this module that were not deselected."""
    mine = (
        item for item in request.session.items if isinstance(item, pytest.Function) and item.module is request.module
    )
    return [item.callspec.params["point"] for item in mine if hasattr(item, "callspec")]


async def died(where: Site, book: OrderBook, point: str) -> Death:
    """Brings a worker to a point, where it dies."""
    case = CASES.get(point, Case())
    made = await where.document(size=case.size, format="wav", announce=False)
    (document_id,) = (chunk["documentId"] for chunk in made["chunks"])
    key = key_of(made["recordingId"])
    event = aged(made["event"], case.age)
    if case.fault:
        await where.acs("POST", "/faults", documentId=document_id, **case.fault)
    if case.job_lost:
        lost = book.arm("intake-before-queueing", (key,))
        async with asyncio.timeout(PATIENCE):
            while not book.has_fired(lost):  # nor is an event taken while the worker that got it is only starting
                assert not await where.deliver(event), "an event whose job could not be queued must come again"
    if case.expired:
        await where.backdate(document_id, case.age)
        await where.acs("POST", f"/documents/{document_id}/expire")
    if case.broken_off:
        book.arm("archiving-after-staging-a-block", (key,), skip=2)
    order = book.arm(point, (key, document_id), skip=case.skip)
    if not case.job_lost:
        await taken(where, event)
    try:
        async with asyncio.timeout(PATIENCE):
            while not book.has_fired(order):
                await where.sweep()
                await asyncio.sleep(0.2)
    except TimeoutError:
        book.disarm(order)
    return Death(
        document_id=document_id,
        recording_id=made["recordingId"],
        expired=case.expired,
        came=book.has_fired(order),
    )


@pytest.mark.parametrize("point", [point.name for point in POINTS.values() if point.scene is not Scene.CALLING])
async def test_a_worker_that_dies_here_leaves_nothing_undone(aftermath: Aftermath, point: str):
    death = aftermath.deaths[point]
    assert death.came, "no worker came to that point"
    assert [found.sentence for found in aftermath.found if found.document_id == death.document_id] == []
    assert [chunk.state for chunk in aftermath.chunks[death.document_id]] == [CASES.get(point, Case()).ends]


async def test_all_deaths_together_leave_no_message_row_or_file_behind(aftermath: Aftermath):
    assert [found.sentence for found in aftermath.found if found.document_id is None] == []


def aged(event: dict[str, Any], age: timedelta) -> dict[str, Any]:
    return event | {"eventTime": (datetime.now(UTC) - age).isoformat()}


async def taken(site: Site, event: dict[str, Any]) -> None:
    """Delivered until it is taken, as Event Grid does."""
    async with asyncio.timeout(PATIENCE):
        while not await site.deliver(event):
            pass
