"""If callers sign in, the platform sends their identity and roles. All other callers are refused."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.acceptance.conftest import Deployment
from tests.acceptance.test_function_app import EXPECTED
from tests.local.host.running import RunningHost, running_host, until
from tests.principals import OBJECT_ID, signed_in, without_roles

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHECKOUT = Path(__file__).parents[2]
ROLES = ("Reader", "Recorder", "Operator")  # each includes those before it
RECORDERS = {"start_recording", "stop_recording", "pause_recording", "resume_recording"}
ROUTES = [
    (method, f"/api/{one['route']}".format(recordingId="x", documentId="y", quarantineId="z"), role)
    for name, one in EXPECTED.items()
    if (level := one.get("authLevel")) in ("FUNCTION", "ADMIN")
    for role in ("Operator" if level == "ADMIN" else "Recorder" if name in RECORDERS else "Reader",)
    for method in one["methods"]
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def host(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningHost]:
    """One more host, with its own queue."""
    settings = {
        "AzureWebJobsStorage": deployment.where.storage_connection_string,
        "ACS_CONNECTION_STRING": deployment.where.acs_connection_string,
        "CHUNKS_QUEUE": "of-who-signed-in",
        "SIGN_IN_REPLACES_KEY": "true",
        "WEBSITE_AUTH_ENABLED": "True",
    }
    async with running_host(tmp_path_factory.mktemp("host"), app=CHECKOUT, settings=settings) as running:
        yield running


@pytest.mark.parametrize(("method", "path", "role"), ROUTES)
async def test_a_caller_without_identity_is_refused_on_every_route(
    host: RunningHost, method: str, path: str, role: str
):
    principal = {name: value for name, value in signed_in(role).items() if name != "x-ms-client-principal-id"}
    for headers in ({}, {"x-functions-key": host.master_key}, {"x-ms-client-principal-id": " "}, principal):
        answer = await host.ask(path, method, headers=headers)
        assert answer.status == 401
        assert answer.json()["reason"] == "sign-in-required"


@pytest.mark.parametrize(("method", "path", "role"), ROUTES)
async def test_each_route_admits_its_role_and_higher_roles(host: RunningHost, method: str, path: str, role: str):
    lesser, enough = ROLES[: ROLES.index(role)], ROLES[ROLES.index(role) :]
    for headers in (signed_in(), signed_in(*lesser), without_roles(signed_in(role)), signed_in("Custodian")):
        answer = await host.ask(path, method, headers=headers | {"x-functions-key": host.master_key})
        problem = answer.json()
        assert (answer.status, problem["reason"], problem["fault"]) == (403, "role-required", "caller")
        assert f"the app role {role}:" in problem["detail"]
    for one in enough:
        answer = await host.ask(path, method, headers=signed_in(one))
        assert answer.status not in (401, 403), answer.body


async def test_a_caller_who_signed_in_needs_no_key(host: RunningHost):
    answer = await host.ask("/api/recordings?limit=1", headers=signed_in("Reader"))
    assert answer.status == 200


async def test_a_page_of_another_site_can_t_act_for_the_signed_in_caller(host: RunningHost):
    """A browser would send the session's cookie with such a request."""
    caller = signed_in("Operator")
    for foreign in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "null"}):
        answer = await host.ask("/api/recordings/x/replay", "POST", headers=caller | foreign)
        assert (answer.status, answer.json()["reason"]) == (403, "foreign-page")
    own = {"sec-fetch-site": "same-origin", "origin": host.url}
    answer = await host.ask("/api/recordings/x/replay", "POST", headers=caller | own)
    assert answer.status == 404


async def test_a_page_of_another_site_can_t_write_audit_entries_for_the_signed_in_caller(host: RunningHost):
    image = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    path = "/api/recordings/x/chunks/y/content"
    answer = await host.ask(path, headers=signed_in("Reader") | image)
    assert (answer.status, answer.json()["reason"]) == (403, "foreign-page")
    assert (await host.ask(path, headers=signed_in("Reader") | link)).status == 404


async def test_the_log_line_of_a_refusal_has_no_caller_name(host: RunningHost):
    await host.ask("/api/events", "POST", headers=signed_in("Reader"))
    log = await until(lambda: text if "role-required" in (text := host.child.log.read_text()) else None)
    assert OBJECT_ID not in log
