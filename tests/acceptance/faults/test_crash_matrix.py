"""A worker is killed at each durable step of intake, archiving, retry and sweep. Every chunk still ends correctly.

All points share one stack, and each has its own document. Only one order is given at a time, so each worker dies at the
intended point. Chunks of earlier deaths are recovered meanwhile and can be affected by later deaths. If a test fails, a
crash at that step loses a chunk, copies it twice, or deletes a source that isn't archived.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from local.faults.batches.idle import wait_until_idle
from local.faults.injection.crash_orders import DIRECTORY_SETTING, OrderBook
from local.faults.injection.crash_points import POINTS, Scene
from local.faults.judging.invariants import Violation, violations
from local.faults.running_stack.stack_client import StackClient, stack_client
from local.stack import Stack, StackOptions
from shared.domain.keys import key_of
from shared.domain.records import Chunk
from shared.domain.states import ChunkState

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATIENCE = 120  # seconds; an upper bound for a hanging test, not a performance target
SMALL, LARGE = 30_000, 5_400_000  # bytes: one request, and six blocks


@dataclass(frozen=True, kw_only=True)
class Case:
    """The conditions under which a worker reaches a point."""

    size: int = SMALL
    skip: int = 0  # calls before the one at which the worker dies
    interrupted: bool = False  # by an earlier death, with blocks staged, so that the copy is resumed
    fault: dict[str, Any] | None = None  # of the source
    job_lost: bool = False  # so that the sweep has to queue it
    age: timedelta = timedelta()  # of the event
    expired: bool = False  # the source
    ends: ChunkState = ChunkState.RELEASED


BLOCKS = Case(size=LARGE, skip=2)
COMMIT = Case(size=LARGE)
# A resumed file is labelled with its digest after it was read back.
RESUMED = Case(size=LARGE, interrupted=True)
FAILING = Case(fault={"operation": "download", "kind": "serverError"})
SWEPT = Case(job_lost=True)
NEARING = Case(job_lost=True, age=timedelta(hours=21))
# Two days after the event the source can't exist any more, so the chunk is lost without a 404 from it.
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
    "sweep-before-queueing-again": SWEPT,
    "sweep-after-queueing-again": SWEPT,
    "sweep-before-scheduling-the-next-check": SWEPT,
    "sweep-after-scheduling-the-next-check": SWEPT,
    "sweep-before-escalating": NEARING,
    "sweep-after-escalating": NEARING,
    "sweep-before-writing-lost": EXPIRED,
    "sweep-after-writing-lost": EXPIRED,
    "sweep-before-announcing": EXPIRED,
    "sweep-after-announcing": EXPIRED,
    "sweep-before-removing-from-worklist": EXPIRED,
    "sweep-after-removing-from-worklist": EXPIRED,
}


@dataclass(frozen=True, kw_only=True)
class Death:
    """The result of an order to die at a point."""

    document_id: str
    recording_id: str
    expired: bool
    fired: bool  # whether a worker reached the point and died


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    deaths: dict[str, Death]  # by point
    found: list[Violation]
    chunks: dict[str, list[Chunk]]  # by document


@pytest_asyncio.fixture(scope="module", loop_scope="session", name="aftermath")
async def aftermath_fixture(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Aftermath:
    """The data after a worker died at every selected point and the stack became idle."""
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
        host_arguments=("--worker-plugin", "local.faults.worker_plugin", "--queue-visibility", "2"),
    )
    async with Stack(options) as stack, stack_client(stack.addresses) as where:
        deaths = {point: await died(where, OrderBook(orders), point) for point in selected_points(request)}
        expiring = [death for death in deaths.values() if death.expired]
        for group, failed_is_idle in ((expiring, False), (list(deaths.values()), True)):
            documents = [death.document_id for death in group]
            keys = [key_of(death.recording_id) for death in group]
            # The violations show whether everything ended.
            await wait_until_idle(where, documents, keys, within=PATIENCE, failed_is_idle=failed_is_idle)
        evidence = await where.evidence([death.recording_id for death in deaths.values()])
    chunks: dict[str, list[Chunk]] = defaultdict(list)
    for chunk in evidence.chunks:
        chunks[chunk.document_id].append(chunk)
    announced = [death.document_id for death in deaths.values()]
    return Aftermath(deaths=deaths, found=violations(evidence, announced), chunks=chunks)


def selected_points(request: pytest.FixtureRequest) -> list[str]:
    """The points of those tests of this module that were not deselected."""
    mine = (
        item for item in request.session.items if isinstance(item, pytest.Function) and item.module is request.module
    )
    return [item.callspec.params["point"] for item in mine if hasattr(item, "callspec")]


async def died(where: StackClient, book: OrderBook, point: str) -> Death:
    """Makes a worker reach a point and die there."""
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
            while not book.has_fired(lost):  # nor is an event accepted while its worker is starting
                assert not await where.deliver(event), "an event whose job couldn't be queued must not be accepted"
    if case.expired:
        await where.backdate(document_id, case.age)
        await where.acs("POST", f"/documents/{document_id}/expire")
    if case.interrupted:
        book.arm("archiving-after-staging-a-block", (key,), skip=2)
    order = book.arm(point, (key, document_id), skip=case.skip)
    if not case.job_lost:
        await deliver_until_accepted(where, event)
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
        fired=book.has_fired(order),
    )


@pytest.mark.parametrize("point", [point.name for point in POINTS.values() if point.scene is not Scene.CALLING])
async def test_a_chunk_ends_correctly_if_a_worker_dies_here(aftermath: Aftermath, point: str):
    death = aftermath.deaths[point]
    assert death.fired, "no worker reached that point"
    assert [found.sentence for found in aftermath.found if found.document_id == death.document_id] == []
    assert [chunk.state for chunk in aftermath.chunks[death.document_id]] == [CASES.get(point, Case()).ends]


async def test_all_deaths_together_leave_no_message_row_or_file_behind(aftermath: Aftermath):
    assert [found.sentence for found in aftermath.found if found.document_id is None] == []


def aged(event: dict[str, Any], age: timedelta) -> dict[str, Any]:
    return event | {"eventTime": (datetime.now(UTC) - age).isoformat()}


async def deliver_until_accepted(client: StackClient, event: dict[str, Any]) -> None:
    """Repeats the delivery until the event is accepted, as Event Grid does."""
    async with asyncio.timeout(PATIENCE):
        while not await client.deliver(event):
            pass
