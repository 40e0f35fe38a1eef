"""Worlds for the tests of use cases. Each has its own names in storage, so that tests don't affect each other.

Storage is in memory, unless a test or its module has the marker `storage`: with "azurite" it runs on Azurite, and with
"memory", "azurite" on both.
"""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from yarl import URL

from local.acs.simulator import Options, Simulator
from local.stack import Azurite
from shared.app import App
from shared.domain.clock import Clock
from shared.gateways.bundle import Gateways
from shared.settings.settings import load_settings
from tests.integration.storagefront import StorageFront, no_pauses
from tests.integration.storages import AzuriteStorage, MemoryStorage, MovableClock, Storage
from tests.integration.world import PARTICIPANTS_SECRET, MakeWorld, World


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "storage(*kinds): what the test runs on, memory (the default) or azurite")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    kinds = _kinds(metafunc.definition)
    if "storage" in metafunc.fixturenames and len(kinds) > 1:
        metafunc.parametrize("storage", kinds, indirect=True)


def _kinds(test: pytest.Item) -> tuple[str, ...]:
    marker = test.get_closest_marker("storage")
    return marker.args if marker else ("memory",)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def simulator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    async with Simulator(Options(state=tmp_path_factory.mktemp("acs"), event_delay=0, oddities=False)) as running:
        yield running


@pytest.fixture
def storage(request: pytest.FixtureRequest) -> Storage:
    (kind,) = (request.param,) if hasattr(request, "param") else _kinds(request.node)
    return AzuriteStorage(request.getfixturevalue("azurite")) if kind == "azurite" else MemoryStorage()


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest_asyncio.fixture(loop_scope="session")
async def make_world(
    storage: Storage, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[MakeWorld]:
    """Makes worlds. A setting of None is unset."""
    worlds: list[World] = []
    monkeypatch.setenv("AZURE_FUNCTIONS_ENVIRONMENT", "Development")

    async def make(*, like: World | None = None, clock: Clock | None = None, **overrides: Any) -> World:
        mark = uuid.uuid4().hex[:12]
        names = {
            "CHUNKS_QUEUE": f"chunks-{mark}",
            "ARCHIVE_CONTAINER": f"archive-{mark}",
            "QUARANTINE_CONTAINER": f"quarantine-{mark}",
            "DEADLETTER_CONTAINER": f"deadletter-{mark}",
            "RECORDINGS_TABLE": f"recordings{mark}",
            "WORKLIST_TABLE": f"worklist{mark}",
            "LINKS_TABLE": f"links{mark}",
            "REQUESTS_TABLE": f"requests{mark}",
            "CALENDAR_TABLE": f"calendar{mark}",
            "PARTICIPANTS_TABLE": f"participants{mark}",
        }
        if like is not None:
            names = {name: str(getattr(like.settings, name.lower())) for name in names}
        environment = {
            "ACS_CONNECTION_STRING": simulator.connection_string,
            "ACS_LOCAL_GATEWAY": simulator.tls,
            "ACS_LOCAL_CA": str(Path(simulator.ca)),
            "AzureWebJobsStorage": storage.connection_string,
            "RETRY_BASE_SECONDS": "0.01",
            "PARTICIPANTS_SECRET": PARTICIPANTS_SECRET,
            **names,
            **overrides,
        }
        for name, value in environment.items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, str(value))
        settings = load_settings()
        await storage.provision(settings)
        given = clock or MovableClock()
        app = App.over(settings, given, storage.clients(settings, given))
        world = World(
            app=app,
            gateways=Gateways.over(app.clients, settings),
            settings=settings,
            http=aiohttp.ClientSession(),
            control=simulator.control,
            storage=storage,
        )
        worlds.append(world)
        return world

    yield make
    for world in worlds:
        await world.app.close()
        await world.http.close()


@pytest_asyncio.fixture(loop_scope="session")
async def table_front(azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StorageFront]:
    no_pauses(monkeypatch)
    async with StorageFront(URL(azurite.table_url).origin()).running() as front:
        yield front


@pytest_asyncio.fixture(loop_scope="session")
async def blob_front(azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StorageFront]:
    no_pauses(monkeypatch)
    async with StorageFront(URL(azurite.blob_url).origin()).running() as front:
        yield front


@pytest_asyncio.fixture(loop_scope="session")
async def world(make_world: MakeWorld, clock: MovableClock) -> World:
    made: World = await make_world(clock=clock)
    return made
