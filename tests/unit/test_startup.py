"""Each new instance imports function_app before its first event, so modules that few need are imported on use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_CHECKOUT = Path(__file__).parents[2]
_SETTINGS = {
    "ACS_ENDPOINT": "https://contoso.communication.azure.com",
    "AzureWebJobsStorage__accountName": "contoso",
}


_FROZEN = """
import asyncio, gc, function_app

async def first_event():
    function_app.callvault.app

asyncio.run(first_event())
print(gc.get_freeze_count(), len(gc.get_objects()))
"""


def output_of(script: str) -> list[str]:
    """The words that the script prints in a new process."""
    environment = {"PATH": os.environ["PATH"], **_SETTINGS}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=_CHECKOUT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The modules that `import function_app` loads."""
    return set(output_of("import sys, function_app; print(*sys.modules)"))


@pytest.mark.parametrize(
    "late",
    [
        "azure.identity",  # takes half a second, and deployments with connection strings don't need it
        "msal",
        "azure.monitor",
        "opentelemetry.sdk",
        "phonenumbers",  # takes a tenth of a second, and only unusual participant IDs need it
        "shared.deadletters",  # separate commands
        "shared.doctor",
        "shared.rebuild",
        "rich",
        "trustme",
        "local",
        "infra",
    ],
)
def test_starting_loads_no_module_that_only_some_processes_or_requests_need(loaded: set[str], late: str):
    assert sorted(name for name in loaded if name == late or name.startswith(f"{late}.")) == []


def test_starting_loads_the_functions_and_the_sdks_that_they_use(loaded: set[str]):
    assert {"function_app", "shared.app", "azure.storage.blob", "azure.communication.callautomation"} <= loaded


def test_a_full_garbage_collection_skips_the_loaded_modules_because_it_pauses_all_copies():
    frozen, walked = map(int, output_of(_FROZEN))
    assert walked < frozen / 10
