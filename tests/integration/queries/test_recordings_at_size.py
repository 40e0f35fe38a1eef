"""The cost of a page doesn't grow with the catalogue: 20,000 recordings need as many operations as 200."""

import json
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import pytest_asyncio
from azure.core.pipeline.transport import AioHttpTransport
from azure.data.tables.aio import TableServiceClient

from local.stack import Azurite, Resources, provision
from local.stack import azurite as run_azurite
from local.stack.azurite import ACCOUNT
from shared.bookkeeping.recordings import RecordingWriter
from shared.domain.clock import SystemClock
from shared.domain.keys import key_of
from shared.domain.list_entry import ListEntry, ListName
from shared.domain.random_source import RandomSource
from shared.domain.records import Recording
from shared.domain.states import RecordingState
from shared.gateways.tables.catalogue import Catalogue
from shared.gateways.tables.lists import PARTITION, Lists
from tests.integration.world import MakeWorld, World

if TYPE_CHECKING:
    from shared.gateways.bundle import Gateways

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.storage("azurite")]

NEWEST = datetime(2026, 3, 14, 12, tzinfo=UTC)
CALL = "aHR0cHM6Ly9vbmUuY2FsbA=="
SIZES = (200, 20_000)
DAYS = 4
TIMES = ("listedAt", "overdueAt")
MISSED = 10  # one in this many recordings is overdue


class Then(SystemClock):
    """A clock that always shows a time a little after the newest recording."""

    def now(self) -> datetime:
        return NEWEST + timedelta(hours=1)


def recording(number: int, size: int) -> Recording:
    """An ended recording. Each day has equally many, and number 0 is the newest."""
    at = NEWEST - timedelta(days=number * DAYS // size, seconds=number % (size // DAYS))
    return Recording(
        recording_key=key_of(str(number)),
        recording_id=str(number),
        server_call_id=CALL,
        control=RecordingState.STOPPED,
        listed_at=at,
        overdue_at=None if number % MISSED else at,
    )


def names(size: int) -> dict[str, str]:
    return {f"{name.upper()}_TABLE": f"{name}{size}" for name in ("recordings", "calendar", "worklist")}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def grown(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Azurite]:
    """An Azurite with tables of each size. The app writes two recordings; the others are copied in Azurite's file.

    One by one they would take minutes, since it searches a table from end to end for each that is written.
    """
    directory = tmp_path_factory.mktemp("grown")
    async with run_azurite(directory) as small:
        tables = tuple(name for size in SIZES for name in names(size).values())
        await provision(small.connection_string, Resources(queues=(), tables=tables, containers=()))
        async with TableServiceClient.from_connection_string(small.connection_string) as service:
            for size in SIZES:
                own = names(size)
                gateways = SimpleNamespace(
                    catalogue=Catalogue(service, own["RECORDINGS_TABLE"], RandomSource()),
                    lists=Lists(service, own["CALENDAR_TABLE"]),
                )
                for number in range(2):
                    await RecordingWriter(cast("Gateways", gateways)).merge(recording(number, size))
    database = directory / "__azurite_db_table__.json"
    kept = json.loads(database.read_text())
    collections = {one["name"]: one for one in kept["collections"]}
    for size in SIZES:
        own = names(size)
        multiply(collections[f"{ACCOUNT}${own['RECORDINGS_TABLE']}"], lambda rows, size=size: ledger(rows, size))
        multiply(collections[f"{ACCOUNT}${own['CALENDAR_TABLE']}"], lambda rows, size=size: lists(rows, size))
    database.write_text(json.dumps(kept))
    async with run_azurite(directory) as large:
        yield large


def multiply(collection: Any, made_of: Callable[[list[Any]], Iterable[Any]]) -> None:
    """Replaces a table's rows in Azurite's file. Its indexes are positions in the order of a column."""
    rows = list(made_of(collection["data"]))
    for number, row in enumerate(rows, start=1):
        row["$loki"] = number
    for column, index in collection["binaryIndices"].items():
        index["values"] = sorted(range(len(rows)), key=lambda position, column=column: rows[position][column])
    collection |= {"data": rows, "maxId": len(rows)}


def ledger(samples: list[Any], size: int) -> Iterable[Any]:
    by_id = {row["properties"]["recordingId"]: row for row in samples}
    for number in range(size):
        one = recording(number, size)
        sample = by_id["1" if number % MISSED else "0"]
        at = f"{one.listed_at:%Y-%m-%dT%H:%M:%S}.000000Z"
        changed = {"recordingId": one.recording_id} | {name: at for name in TIMES if name in sample["properties"]}
        yield copied(sample, one.recording_key, sample["RowKey"], **changed)


def lists(samples: list[Any], size: int) -> Iterable[Any]:
    for number in range(size):
        one = recording(number, size)
        place = ListEntry(at=one.listed_at or NEWEST, recording_key=one.recording_key)
        trouble = [] if number % MISSED else [str(ListName.TROUBLE)]
        for heading in (str(ListName.DAY), ListName.SERVER_CALL.of(CALL), *trouble):
            yield copied(samples[0], PARTITION, place.row_in(heading))


def copied(sample: Any, partition: str, row: str, **changed: Any) -> Any:
    keys = {"PartitionKey": partition, "RowKey": row}
    return {**sample, **keys, "properties": {**sample["properties"], **keys, **changed}}


@pytest.fixture
def operations(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """A function that returns the number of storage operations since its last call."""
    asked: list[str] = []
    send = AioHttpTransport.send

    async def counted(transport: Any, request: Any, **options: Any) -> Any:
        asked.append(request.url)
        return await send(transport, request, **options)

    monkeypatch.setattr(AioHttpTransport, "send", counted)

    def since() -> int:
        count = len(asked)
        asked.clear()
        return count

    return since


async def costs(world: World, operations: Callable[[], int], size: int) -> dict[str, tuple[int, int]]:
    """The number of recordings shown and of operations, by query."""
    found: dict[str, tuple[int, int]] = {}

    async def ask(what: str, **parameters: str) -> tuple[list[str], str]:
        operations()
        answer = await world.queries.recordings({"limit": "10", **parameters}, None, by="ada")
        body: dict[str, Any] = json.loads(answer.body)
        found[what] = (len(body["recordings"]), operations())
        return [one["recordingId"] for one in body["recordings"]], body["nextCursor"]

    first, cursor = await ask("the first page")
    assert first == [str(number) for number in range(10)]
    second, _ = await ask("the second page", cursor=cursor)
    assert second == [str(number) for number in range(10, 20)]
    oldest = (NEWEST - timedelta(days=DAYS - 1)).date().isoformat()
    day, cursor = await ask("a day of the past", **{"from": oldest, "to": oldest})
    assert day[0] == str(size * (DAYS - 1) // DAYS)
    await ask("its second page", cursor=cursor, **{"from": oldest, "to": oldest})
    of_call, cursor = await ask("a call", serverCallId=CALL)
    assert of_call == first
    await ask("its second page", serverCallId=CALL, cursor=cursor)
    missed, _ = await ask("trouble", trouble="true")
    assert missed == [str(MISSED * number) for number in range(10)]
    unlike_all, _ = await ask("a state that none has", state="archived")
    assert unlike_all == []
    operations()
    summary = json.loads((await world.queries.summary()).body)
    found["the summary"] = (len(summary["trouble"]["recordings"]), operations())
    return found


async def test_a_page_of_twenty_thousand_recordings_costs_as_much_as_one_of_two_hundred(
    grown: Azurite, make_world: MakeWorld, operations: Callable[[], int]
):
    few, many = [
        await costs(
            await make_world(clock=Then(), AzureWebJobsStorage=grown.connection_string, **names(size)), operations, size
        )
        for size in SIZES
    ]
    assert few == many
    at_most = {"a state that none has": 250, "the summary": 60}  # 22 of them for the checks
    for what, (_, asked) in many.items():
        assert asked <= at_most.get(what, 15), what
