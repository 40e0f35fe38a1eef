"""Where callers sign in, the platform says who they are: whoever it says nothing of comes through no door."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.acceptance.conftest import Deployment
from tests.acceptance.test_function_app import EXPECTED
from tests.local.host.running import RunningHost, running_host

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHECKOUT = Path(__file__).parents[2]
SIGNED_IN = {"x-ms-client-principal-id": "7a1b"}
DOORS = [
    (method, f"/api/{one['route']}".format(recordingId="x", documentId="y", quarantineId="z"))
    for one in EXPECTED.values()
    if one.get("authLevel") == "FUNCTION"
    for method in one["methods"]
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def host(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningHost]:
    """Beside the others, on a queue of its own."""
    settings = {
        "AzureWebJobsStorage": deployment.where.storage_connection_string,
        "ACS_CONNECTION_STRING": deployment.where.acs_connection_string,
        "CHUNKS_QUEUE": "of-who-signed-in",
        "SIGN_IN_REPLACES_KEY": "true",
        "WEBSITE_AUTH_ENABLED": "True",
    }
    async with running_host(tmp_path_factory.mktemp("host"), app=CHECKOUT, settings=settings) as running:
        yield running


@pytest.mark.parametrize(("method", "path"), DOORS)
async def test_no_door_opens_to_whom_the_platform_does_not_name(host: RunningHost, method: str, path: str):
    for headers in ({}, {"x-functions-key": host.functions_key}, {"x-ms-client-principal-id": " "}):
        answer = await host.ask(path, method, headers=headers)
        assert answer.status == 401
        assert answer.json()["reason"] == "sign-in-required"


async def test_who_signed_in_needs_no_key(host: RunningHost):
    answer = await host.ask("/api/recordings?limit=1", headers=SIGNED_IN)
    assert answer.status == 200


async def test_a_page_of_another_site_changes_nothing_in_the_name_of_who_signed_in(host: RunningHost):
    """The session's cookie would come with its requests."""
    for site in ("cross-site", "same-site"):
        answer = await host.ask("/api/recordings/x/replay", "POST", headers=SIGNED_IN | {"sec-fetch-site": site})
        assert (answer.status, answer.json()["reason"]) == (403, "foreign-page")
    answer = await host.ask("/api/recordings/x/replay", "POST", headers=SIGNED_IN | {"sec-fetch-site": "same-origin"})
    assert answer.status == 404
