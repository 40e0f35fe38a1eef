"""The doctor on healthy and on broken deployments. A fault that it overlooks shows only when a file is lost."""

import asyncio
import base64
import json
import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas

from local.acs.identifiers import RESOURCE_ID
from shared.domain.clock import Clock, SystemClock
from shared.operations.doctor.examination import examine
from shared.operations.doctor.findings import Finding, Level, as_json, as_text
from tests.integration.world import PARTICIPANTS_SECRET, MakeWorld, MovableClock, World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.storage("azurite")]

CHECKOUT = Path(__file__).parents[3]
OTHER_KEY = base64.b64encode(b"another key" * 6).decode()
CALLBACKS = {
    "CALLBACK_URL": "https://func.example.net/api/callbacks",
    "CALLBACK_AUDIENCE": RESOURCE_ID.upper(),
    "CALLBACK_SECRET": "a secret of thirty-two letters, or more",
}


@pytest.fixture
def well(make_world: MakeWorld) -> MakeWorld:
    """Makes healthy deployments, and sets the environment to their settings."""

    async def make(**overrides: str) -> World:
        made: World = await make_world(**(CALLBACKS | overrides))
        return made

    return make


async def visit(clock: Clock | None = None) -> dict[str, Finding]:
    """The findings that are not ok, by check."""
    findings = await examine(os.environ, clock or SystemClock())
    assert all(one.fix for one in findings if one.level in (Level.WARNING, Level.FAILURE)), "each names its fix"
    return {one.check: one for one in findings if one.level is Level.FAILURE}


async def command(*arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "shared.doctor", *arguments), cwd=CHECKOUT, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


def parts(world: World) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in world.storage.connection_string.split(";"))


def account_key(world: World) -> str:
    return parts(world)["AccountKey"]


async def test_the_doctor_confirms_every_check_of_a_healthy_deployment_and_leaves_nothing_behind(well: MakeWorld):
    world = await well()
    code, output = await command("--json")
    found = json.loads(output)
    assert (code, found["healthy"]) == (0, True)
    settings = world.settings
    assert {one["check"] for one in found["findings"] if one["level"] == "ok"} == {
        *(
            "settings",
            "schema of the data",
            "links to files",
            "clock",
            "ACS",
            "callback keys",
            "callback audience",
            "health",
        ),
        *(f"queue {name}" for name in (settings.chunks_queue, settings.poison_queue)),
        *(f"table {name}" for name in settings.tables),
        *(f"container {name}" for name in settings.archive_containers + settings.host_containers),
    }
    assert not {one["level"] for one in found["findings"]} & {"warning", "failure"}
    for name in (settings.chunks_queue, settings.poison_queue):
        async with world.queue(name) as queue:
            assert (await queue.get_queue_properties()).approximate_message_count == 0
    for name in settings.tables:
        assert await world.rows(name) == []
    for name in settings.archive_containers + settings.host_containers:
        async with world.container(name) as container:
            assert [blob async for blob in container.list_blobs(include=["uncommittedblobs"])] == []
    made, deleted = [one for one in await world.acs("GET", "/requests") if one["path"].startswith("/identities")][-2:]
    assert (made["method"], deleted["method"], deleted["status"]) == ("POST", "DELETE", 204)


async def test_the_doctor_never_prints_a_secret(well: MakeWorld):
    world = await well(
        ACS_CONNECTION_STRING=f"endpoint=https://callvault.communication.azure.com/;accesskey={OTHER_KEY}"
    )
    findings = await examine(os.environ, SystemClock())
    for secret in (account_key(world), OTHER_KEY, PARTICIPANTS_SECRET, CALLBACKS["CALLBACK_SECRET"]):
        assert secret not in as_text(findings) + as_json(findings)


@pytest.mark.parametrize(
    ("setting", "named", "check"),
    [
        ("CHUNKS_QUEUE", "nowhere", "queue"),
        ("WORKLIST_TABLE", "nowhere", "table"),
        ("ARCHIVE_CONTAINER", "nowhere", "container"),
        ("DEADLETTER_CONTAINER", "nowhere", "container"),
    ],
)
async def test_the_doctor_names_each_missing_part_and_nothing_else(
    well: MakeWorld, monkeypatch: pytest.MonkeyPatch, setting: str, named: str, check: str
):
    await well()
    monkeypatch.setenv(setting, named)
    failures = await visit()
    expected = {f"{check} {named}"} | ({f"queue {named}-poison"} if check == "queue" else set())
    assert set(failures) == expected
    for one in failures.values():
        assert "is missing" in one.detail
        assert str(one.fix).startswith("if it doesn't exist, create it")


async def test_data_of_a_newer_version_fails_one_check_and_the_doctor_leaves_it_as_it_is(well: MakeWorld):
    world = await well()
    row = {"PartitionKey": "schema", "RowKey": "version", "version": 2}
    async with world.table(world.settings.links_table) as table:
        await table.create_entity(row)
    failures = await visit()
    assert list(failures) == ["schema of the data"]
    assert "deploy the newer version" in str(failures["schema of the data"].fix)
    assert await world.rows(world.settings.links_table) == [row]


async def test_a_wrong_storage_key_fails_the_storage_checks_and_no_others(
    well: MakeWorld, monkeypatch: pytest.MonkeyPatch
):
    world = await well()
    monkeypatch.setenv("AzureWebJobsStorage", world.storage.connection_string.replace(account_key(world), OTHER_KEY))
    failures = await visit(MovableClock())
    assert {check.split()[0] for check in failures} == {"queue", "table", "container", "schema"}
    assert len(failures) == 2 + len(world.settings.tables) + 3 + 1
    assert all("key" in str(one.fix) for one in failures.values())


async def test_a_wrong_acs_key_is_reported_with_its_fix(well: MakeWorld):
    await well(ACS_CONNECTION_STRING=f"endpoint=https://callvault.communication.azure.com/;accesskey={OTHER_KEY}")
    failures = await visit()
    assert set(failures) == {"ACS"}
    assert "set the ACS resource's current key" in str(failures["ACS"].fix)


@pytest.mark.parametrize(
    ("minutes", "level"), [(0, Level.OK), (2, Level.WARNING), (-2, Level.WARNING), (20, Level.FAILURE)]
)
async def test_a_wrong_clock_is_reported(well: MakeWorld, minutes: float, level: Level):
    await well()
    clock = MovableClock()
    clock.forward(minutes=minutes)
    (found,) = [one for one in await examine(os.environ, clock) if one.check == "clock"]
    assert found.level is level
    assert level is Level.OK or ("ahead of" if minutes > 0 else "behind") in found.detail


async def test_a_wrong_clock_is_reported_even_if_storage_refuses_the_signature(
    well: MakeWorld, monkeypatch: pytest.MonkeyPatch
):
    world = await well()
    monkeypatch.setenv("AzureWebJobsStorage", world.storage.connection_string.replace(account_key(world), OTHER_KEY))
    clock = MovableClock()
    clock.forward(minutes=20)
    assert "ahead of" in (await visit(clock))["clock"].detail


async def test_the_audience_of_another_resource_is_reported(well: MakeWorld):
    await well(CALLBACK_AUDIENCE="00000000-0000-4000-8000-000000000000")
    failures = await visit()
    assert set(failures) == {"callback audience"}
    assert "immutableResourceId" in str(failures["callback audience"].fix)


async def test_callbacks_without_an_audience_are_reported(well: MakeWorld, monkeypatch: pytest.MonkeyPatch):
    await well()
    monkeypatch.delenv("CALLBACK_AUDIENCE")
    assert set(await visit()) == {"setting CALLBACK_AUDIENCE"}


async def test_if_callers_sign_in_the_doctor_checks_the_app_s_own_address(well: MakeWorld):
    """No app answers at this address, so the doctor can't confirm the sign-in."""
    await well(SIGN_IN_REPLACES_KEY="true")
    failures = await visit()
    assert set(failures) == {"sign-in"}
    assert "the app's own address didn't answer" in failures["sign-in"].detail


async def test_links_that_can_t_be_signed_are_reported(well: MakeWorld, monkeypatch: pytest.MonkeyPatch):
    world = await well()
    signature = generate_account_sas(
        parts(world)["AccountName"],
        account_key(world),
        ResourceTypes(service=True, container=True, object=True),
        AccountSasPermissions(read=True, write=True, delete=True, list=True),
        expiry=SystemClock().now() + timedelta(hours=1),
    )
    endpoint = parts(world)["BlobEndpoint"]
    monkeypatch.setenv("ARCHIVE_STORAGE", f"BlobEndpoint={endpoint};SharedAccessSignature={signature}")
    (found,) = [one for one in await examine(os.environ, SystemClock()) if one.level is Level.WARNING]
    assert (found.check, str(found.fix).count("Storage Blob Delegator")) == ("links to files", 1)


async def test_read_only_access_to_tables_is_enough_for_an_operator(well: MakeWorld, monkeypatch: pytest.MonkeyPatch):
    world = await well()
    may_read = generate_account_sas(
        parts(world)["AccountName"],
        account_key(world),
        ResourceTypes(service=True, container=True, object=True),
        AccountSasPermissions(read=True, list=True),
        expiry=SystemClock().now() + timedelta(hours=1),
        services="bqt",
    )
    endpoints = ";".join(part for part in world.storage.connection_string.split(";") if "Endpoint=" in part)
    monkeypatch.setenv("AzureWebJobsStorage", f"{endpoints};SharedAccessSignature={may_read}")
    found = {one.check: one for one in await examine(os.environ, SystemClock())}
    for name in world.settings.tables:
        assert (found[f"table {name}"].level, found[f"table {name}"].fix is None) == (Level.NOTE, False)
        assert found[f"table {name}"].detail.startswith("can be read but not written")


async def test_a_public_container_is_reported(well: MakeWorld):
    world = await well()
    async with world.container(world.settings.archive_container) as container:
        await container.set_container_access_policy({}, public_access="container")
    assert "readable by anyone" in (await visit())[f"container {world.settings.archive_container}"].detail


async def test_messages_that_stay_on_the_poison_queue_are_reported(well: MakeWorld):
    world = await well()
    async with world.queue(world.settings.poison_queue) as queue:
        await queue.send_message("left")
    found = [one for one in await examine(os.environ, SystemClock()) if one.level is Level.WARNING]
    assert [one.check for one in found] == ["health, poison"]
    assert found[0].detail.startswith("1 messages stay on the poison queue")
