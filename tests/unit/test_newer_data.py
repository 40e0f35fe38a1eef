"""Data that a newer version of the app wrote: every function refuses it before it reads or changes anything else."""

import json
import sys
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest

from local.memory.storage.account import Operation
from shared.errors import DestinationUnavailable, NewerSchema
from shared.gateways.tables.schema import Schema
from tests.unit.world import World

WITHOUT_DATA = {"get_health", "show_page", "show_page_file", "get_openapi", "get_swagger"}


class Request:
    """A request, event or message that every function accepts."""

    headers: dict[str, str] = {}  # noqa: RUF012 - nobody writes it
    params: dict[str, str] = {}  # noqa: RUF012 - nobody writes it
    url = "https://contoso.azurewebsites.net/api"
    route_params = dict.fromkeys(("recordingId", "documentId", "quarantineId", "file"), "x")

    def get_body(self) -> bytes:
        return b"{}"


@pytest.fixture
def function_app(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.delitem(sys.modules, "function_app", raising=False)  # an app gives its functions once
    with monkeypatch.context() as environment:  # not for the settings of the world
        environment.setenv("ACS_ENDPOINT", "https://contoso.communication.azure.com")
        environment.setenv("AzureWebJobsStorage", "UseDevelopmentStorage=true")
        import function_app  # noqa: PLC0415 - it reads the settings as it is imported

    return function_app


async def called(function_app: ModuleType, world: World) -> dict[str, Any]:
    """The answer, or the error, of every function by its name. The app is the world's."""
    function_app.callvault._app = world.host.app  # noqa: SLF001 - in place of one with connections
    found: dict[str, Any] = {}
    for one in function_app.app.get_functions():
        code: Callable[[Any], Awaitable[Any]] = one.get_user_function()
        is_http = str(one.get_trigger().type) == "httpTrigger"
        try:
            found[one.get_function_name()] = await code(Request() if is_http else "{}")
        except Exception as error:  # noqa: BLE001 - the test compares it
            found[one.get_function_name()] = error
    return found


async def test_every_function_refuses_newer_data_and_health_names_it(function_app: ModuleType):
    world = await World.made()
    table = world.host.app.clients.tables.get_table_client(world.settings.links_table)
    await table.create_entity({"PartitionKey": "schema", "RowKey": "version", "version": 2})
    asked: list[Operation] = []

    async def noted[T](operation: Operation, apply: Callable[[], T], /) -> T:
        asked.append(operation)
        return apply()

    world.host.restart(noted)
    found = await called(function_app, world)
    health = found["get_health"]
    failed = [check["reason"] for check in json.loads(health.get_body())["checks"] if check["name"] == "schema"]
    assert (health.status_code, failed) == (503, ["schema-newer"])
    assert not [one for one in asked if one.writes], "newer data must stay as it is"
    assert len(found) >= 25
    for name in found.keys() - WITHOUT_DATA:
        answer = found[name]
        if isinstance(answer, Exception):
            assert isinstance(answer, NewerSchema), name
        else:
            assert (answer.status_code, json.loads(answer.get_body())["reason"]) == (503, "schema-newer"), name
    for name in WITHOUT_DATA - {"get_health"}:
        assert found[name].status_code in (200, 404), name


async def test_a_storage_fault_at_the_first_use_is_raised_to_the_host_which_delivers_again(
    function_app: ModuleType, monkeypatch: pytest.MonkeyPatch
):
    async def away(_: Schema) -> None:
        raise DestinationUnavailable("away")

    monkeypatch.setattr(Schema, "require", away)
    found = await called(function_app, await World.made())
    for name in ("on_recording_event", "archive_chunk", "keep_poison_message", "sweep"):
        assert isinstance(found[name], DestinationUnavailable), name
    assert found["get_summary"].status_code == 503
