"""A worker is killed at each durable step of automatic recording. The call is still recorded, exactly once.

All points share one stack, and each has its own call. Only one order is given at a time. If a test fails, a crash at
that step leaves a call unrecorded, or recorded twice.
"""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from local.faults.injection.crash_orders import DIRECTORY_SETTING, OrderBook
from local.faults.injection.crash_points import POINTS, Scene
from local.faults.running_stack.stack_client import StackClient, stack_client
from local.stack import Stack, StackOptions
from shared.domain.keys import call_key, key_of
from shared.domain.states import RUNNING

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATIENCE = 90  # seconds; an upper bound for a hanging test, not a performance target
CALLING = [point.name for point in POINTS.values() if point.scene is Scene.CALLING]

type Ledger = list[tuple[str, bool]]  # format of each recording of a call, and whether it is running


@pytest_asyncio.fixture(scope="module", loop_scope="session", name="recorded")
async def recorded_fixture(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ledger]:
    """The ledger's rows for each call's recordings in ACS, by point, after every call was processed."""
    orders = tmp_path_factory.mktemp("orders")
    options = StackOptions(
        directory=tmp_path_factory.mktemp("stack"),
        workers=3,
        settings={"AUTO_RECORD": '{"format": "mp3"}', "LEASE_SECONDS": "2", DIRECTORY_SETTING: str(orders)},
        host_arguments=("--worker-plugin", "local.faults.worker_plugin"),
    )
    async with Stack(options) as stack, stack_client(stack.addresses) as where:
        calls = {point: await died(where, OrderBook(orders), point) for point in CALLING}
        for call in calls.values():
            await completed(where, call)
        recordings = await where.acs("GET", "/recordings")
        ledger = where.tables.get_table_client("recordings")
        found: dict[str, Ledger] = {}
        for point, call in calls.items():
            made = [one["recordingId"] for one in recordings if one["serverCallId"] == call["serverCallId"]]
            rows = [await ledger.get_entity(key_of(recording_id), "recording") for recording_id in made]
            found[point] = [(row["format"], row["control"] in RUNNING) for row in rows]
        return found


async def died(where: StackClient, book: OrderBook, point: str) -> dict[str, Any]:
    """A call whose automatic recording made a worker reach a point and die there."""
    order = book.arm(point, ())
    call: dict[str, Any] = await where.acs("POST", "/calls")
    (event,) = [
        one["event"]
        for one in await where.acs("GET", "/events")
        if one["event"]["eventType"].endswith("CallStarted")
        and one["event"]["data"]["serverCallId"] == call["serverCallId"]
    ]
    async with asyncio.timeout(PATIENCE):
        while not await where.deliver(event) or not book.has_fired(order):  # noqa: ASYNC110 - as Event Grid does
            await asyncio.sleep(0.1)
    return call


async def completed(where: StackClient, call: dict[str, Any]) -> None:
    """Sweeps until the claim for a call is completed."""
    links = where.tables.get_table_client("links")
    async with asyncio.timeout(PATIENCE):
        while "outcome" not in await links.get_entity(f"auto-{call_key(call['serverCallId'])}", "claim"):
            await where.sweep()
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("point", CALLING)
async def test_a_call_is_recorded_once_if_a_worker_dies_here(recorded: dict[str, Ledger], point: str):
    assert recorded[point] == [("mp3", True)]
