"""docs/operations.md has the storage operations of a chunk, and multiplies them: both must be true."""

import re
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core.pipeline._base_async import _AsyncTransportRunner

from infra.package import CHECKOUT
from tests.integration.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.storage("azurite")]

MIB = 1024 * 1024
COLUMNS = ("blob writes", "blob reads", "table operations", "queue messages")
OPERATIONS = (CHECKOUT / "docs" / "operations.md").read_text()
QUERIES = (CHECKOUT / "docs" / "queries.md").read_text()


class Bill:
    """Counts storage operations by the kinds that Azure charges for. Includes retries of the SDK."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        services = re.findall(r"(\w+)Endpoint=http://[^:;]+:(\d+)", world.storage.connection_string)
        self._services = {int(port): name for name, port in services}
        assert sorted(self._services.values()) == ["Blob", "Queue", "Table"]
        self._found: Counter[str] = Counter()
        # The last policy of every SDK client's pipeline, whatever its transport is.
        send = _AsyncTransportRunner.send

        async def counted(runner: Any, request: Any) -> Any:
            sent = request.http_request
            service = self._services.get(urlsplit(sent.url).port or 0)
            if service is not None:
                self._found[self._kind(service, sent.method)] += 1
            return await send(runner, request)

        monkeypatch.setattr(_AsyncTransportRunner, "send", counted)

    def since(self) -> tuple[int, ...]:
        """The operations since the last call, in the order of COLUMNS."""
        counts = tuple(self._found[column] for column in COLUMNS)
        self._found.clear()
        return counts

    def _kind(self, service: str, method: str) -> str:
        if service == "Blob":
            return "blob reads" if method in ("GET", "HEAD") else "blob writes"
        return "queue messages" if service == "Queue" else "table operations"


def documented(step: str) -> tuple[int, ...]:
    (row,) = re.findall(rf"^\| {step} \|(.*)\|$", OPERATIONS, re.MULTILINE)
    return tuple(int(cell) for cell in row.split("|"))


def quantity(what: str) -> int:
    """The number of operations for a million recordings, in millions."""
    (found,) = re.findall(rf"^\| {what}[^|]*\| (\d+) million \|", OPERATIONS, re.MULTILINE)
    return int(found)


async def test_a_process_reads_the_version_of_the_data_once(world: World, monkeypatch: pytest.MonkeyPatch):
    await world.app.schema.require()
    bill = Bill(world, monkeypatch)
    for _ in range(2):
        await world.gateways.schema.require()  # these gateways aren't the app's: they are a new process's
    assert bill.since() == documented("the first use of the data by a process")


@pytest.mark.parametrize(
    ("size", "step"),
    [(20_000, "its chunk archived and released, in one piece"), (20 * MIB, "the same, in three blocks")],
)
async def test_a_chunk_costs_what_the_docs_say_and_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch, size: int, step: str
):
    made = await world.document(size=size, format="wav")
    bill = Bill(world, monkeypatch)
    await world.app.intake.receive(made["event"])
    assert bill.since() == documented("an event processed")
    job = await world.take_job()
    bill.since()  # what the Functions host does
    await world.app.archiving.handle(job)
    assert bill.since() == documented(step)


async def test_a_repeated_job_costs_one_read_and_copies_nothing(world: World, monkeypatch: pytest.MonkeyPatch):
    made, job = await world.announced(size=20_000, format="wav")
    await world.app.archiving.handle(job)
    bill = Bill(world, monkeypatch)
    await world.app.intake.receive(made["event"])
    assert bill.since() == documented("the same event again")
    await world.app.archiving.handle(job)
    assert bill.since() == documented("the same job again")


async def test_a_sweep_that_finds_nothing_late_reads_each_shard_once(world: World, monkeypatch: pytest.MonkeyPatch):
    await world.announced(size=20_000, format="wav")
    bill = Bill(world, monkeypatch)
    await world.app.sweep.run()
    assert bill.since() == documented("a sweep that finds nothing late, each minute")


async def test_the_cost_of_a_million_is_a_million_times_the_cost_of_one():
    event, chunk = documented("an event processed"), documented("the same, in three blocks")
    writes, reads, tables, messages = (one + other for one, other in zip(event, chunk, strict=True))
    assert (quantity("blob writes"), quantity("blob reads")) == (writes, reads)
    assert (quantity("table operations"), quantity("queue operations")) == (tables, messages + 2)
    busiest = [int(one) for one in re.findall(r"\| 16 . (\d+) = \d+ (?:messages )?a second \|", OPERATIONS)]
    assert busiest == [writes + reads, messages + 2, tables]


async def test_the_archive_route_checks_each_file_once(world: World, monkeypatch: pytest.MonkeyPatch):
    made, _ = await world.announced(size=20_000, format="wav", count=3)
    await world.drained()
    bill = Bill(world, monkeypatch)
    answer = await world.commands.archive(made["recordingId"], url="https://x/api/recordings/x/archive", by="ada")
    assert answer.status == 200
    assert "An archive record costs two operations for each chunk" in QUERIES
    assert "and one table operation for its audit entry" in QUERIES
    assert bill.since() == (0, 2 * 3, 2, 0)
