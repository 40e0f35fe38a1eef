"""A worker is killed at each durable step of automatic recording; the call is recorded all the same, and once.

One stack for all points, a call of its own for each, one order to die at a time. If one of these fails, a crash at that
step leaves a call unrecorded, or recorded twice.
"""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from local.faults.orders import DIRECTORY_SETTING, OrderBook
from local.faults.points import POINTS, Scene
from local.faults.site import Site, site
from local.stack import Stack, StackOptions
from shared.domain.keys import call_key, key_of
from shared.domain.states import RUNNING

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATIENCE = 90  # seconds; a bound for what must happen, not a measure of how fast it does
CALLING = [point.name for point in POINTS.values() if point.scene is Scene.CALLING]

type Ledger = list[tuple[str, bool]]  # format of each recording of a call, and whether it runs


@pytest_asyncio.fixture(scope="module", loop_scope="session", name="recorded")
async def recorded_fixture(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ledger]:
    """What the ledger has of each call's recordings in ACS, by point, once every call has been seen to."""
    orders = tmp_path_factory.mktemp("orders")
    options = StackOptions(
        directory=tmp_path_factory.mktemp("stack"),
        workers=3,
        settings={"AUTO_RECORD": '{"format": "mp3"}', "LEASE_SECONDS": "2", DIRECTORY_SETTING: str(orders)},
        host_arguments=("--worker-plugin", "local.faults.plugin"),
    )
    async with Stack(options) as stack, site(stack.addresses) as where:
        calls = {point: await died(where, OrderBook(orders), point) for point in CALLING}
        for call in calls.values():
            await settled(where, call)
        told = await where.acs("GET", "/recordings")
        ledger = where.tables.get_table_client("recordings")
        found: dict[str, Ledger] = {}
        for point, call in calls.items():
            made = [one["recordingId"] for one in told if one["serverCallId"] == call["serverCallId"]]
            rows = [await ledger.get_entity(key_of(recording_id), "recording") for recording_id in made]
            found[point] = [(row["format"], row["control"] in RUNNING) for row in rows]
        return found


async def died(where: Site, book: OrderBook, point: str) -> dict[str, Any]:
    """A call whose recording brought a worker to a point, where it died."""
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


async def settled(where: Site, call: dict[str, Any]) -> None:
    """Sweeps until nothing is left to do for a call."""
    links = where.tables.get_table_client("links")
    async with asyncio.timeout(PATIENCE):
        while "outcome" not in await links.get_entity(f"auto-{call_key(call['serverCallId'])}", "claim"):
            await where.sweep()
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("point", CALLING)
async def test_a_call_is_recorded_once_though_a_worker_dies_here(recorded: dict[str, Ledger], point: str):
    assert recorded[point] == [("mp3", True)]
