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


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The modules that a process has after `import function_app`."""
    told = subprocess.run(
        [sys.executable, "-c", "import sys, function_app; print(*sys.modules)"],
        cwd=_CHECKOUT,
        env={"PATH": os.environ["PATH"], **_SETTINGS},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(told.stdout.split())


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
        "shared.openapi",  # made when it is asked for
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
