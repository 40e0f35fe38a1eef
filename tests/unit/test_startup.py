"""Each new instance imports function_app before its first event; what few of them need is imported where it's used."""

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


def told_by(script: str) -> list[str]:
    """What a fresh process prints."""
    environment = {"PATH": os.environ["PATH"], **_SETTINGS}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=_CHECKOUT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The modules that a process has after `import function_app`."""
    return set(told_by("import sys, function_app; print(*sys.modules)"))


@pytest.mark.parametrize(
    "late",
    [
        "azure.identity",  # half a second, and not for who has connection strings
        "msal",
        "azure.monitor",
        "opentelemetry.sdk",
        "shared.deadletters",  # commands of their own
        "shared.doctor",
        "shared.rebuild",
        "rich",
        "trustme",
        "local",
        "infra",
    ],
)
def test_starting_loads_nothing_that_only_some_processes_or_requests_need(loaded: set[str], late: str):
    assert sorted(name for name in loaded if name == late or name.startswith(f"{late}.")) == []


def test_starting_loads_the_functions_and_what_they_stand_on(loaded: set[str]):
    assert {"function_app", "shared.app", "azure.storage.blob", "azure.communication.callautomation"} <= loaded


def test_a_full_collection_of_garbage_does_not_walk_what_was_loaded_while_all_copies_stand_still():
    frozen, walked = map(int, told_by(_FROZEN))
    assert walked < frozen / 10
