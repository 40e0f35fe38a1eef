"""The Functions host drops some bodies. Unless their senders get an error, consent, events and callbacks are lost."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qsl

import pytest

from shared.contracts.http.limits import CALLBACK_BYTES, EVENTS_BYTES, REQUEST_BYTES
from tests.acceptance.conftest import SIGNED, Deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def pieces() -> AsyncIterator[bytes]:
    """A body sent with Transfer-Encoding: chunked and without Content-Length, as .NET's PostAsJsonAsync does."""
    yield b'{"serverCallId": '
    yield b'"x"}'


async def quarantined(deployment: Deployment) -> list[str]:
    async with deployment.container("quarantine") as container:
        return [blob.name async for blob in container.list_blobs()]


@pytest.mark.parametrize("path", ["/api/recordings", "/api/recordings/x/resume", "/api/events"])
async def test_a_body_without_content_length_is_refused_with_advice(deployment: Deployment, path: str):
    before = await quarantined(deployment)
    status, problem, _ = await deployment.call("POST", path, data=pieces(), headers=deployment.operator)
    assert (status, problem["reason"], problem["fault"], problem["retry"]) == (411, "length-required", "caller", False)
    for how in ("Content-Length", "LoadIntoBufferAsync", "StringContent", "API Management", "Logic Apps"):
        assert how in problem["detail"]
    assert await quarantined(deployment) == before


@pytest.mark.parametrize("data", [pieces, None])
async def test_a_callback_without_a_body_is_refused_and_not_quarantined(deployment: Deployment, data: object):
    before = await quarantined(deployment)
    token = (await deployment.acs("POST", "/tokens"))["token"]
    headers = {"Authorization": f"Bearer {token}"}
    body = pieces() if data is pieces else None
    params = dict(parse_qsl(SIGNED))
    status, problem, _ = await deployment.call("POST", "/api/callbacks", params=params, data=body, headers=headers)
    assert (status, problem["reason"]) == (411, "length-required")
    assert await quarantined(deployment) == before


@pytest.mark.parametrize("command", ["stop", "pause", "resume", "replay"])
async def test_a_command_without_a_body_is_carried_out(deployment: Deployment, command: str):
    status, problem, _ = await deployment.call("POST", f"/api/recordings/x/{command}", headers=deployment.operator)
    assert status != 411, problem


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/api/recordings", REQUEST_BYTES),
        ("/api/recordings/x/resume", REQUEST_BYTES),
        ("/api/callbacks", CALLBACK_BYTES),
        ("/api/events", EVENTS_BYTES),
    ],
)
async def test_a_body_that_is_too_large_is_refused_with_the_limit(deployment: Deployment, path: str, limit: int):
    before = await quarantined(deployment)
    status, problem, _ = await deployment.call("POST", path, data=b" " * (limit + 1), headers=deployment.operator)
    assert (status, problem["reason"], problem["fault"]) == (413, "body-too-large", "caller")
    assert str(limit) in problem["detail"]
    assert await quarantined(deployment) == before


async def test_the_size_of_a_callback_is_checked_before_its_token(deployment: Deployment):
    assert (await deployment.call("POST", "/api/callbacks", data=b" " * CALLBACK_BYTES))[0] == 401
    assert (await deployment.call("POST", "/api/callbacks", data=b" " * (CALLBACK_BYTES + 1)))[0] == 413


async def test_a_parameter_that_is_given_twice_is_refused_by_its_name(deployment: Deployment):
    status, problem, _ = await deployment.call("GET", "/api/recordings?limit=1&limit=2")
    assert (status, problem["errors"]) == (400, [{"field": "limit", "detail": "is given more than once: send it once"}])


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("GET", "/api/summary", None, 401),
        ("GET", "/api/summary", "wrong", 401),
        ("POST", "/api/events", "function", 401),
        ("DELETE", "/api/summary", "function", 404),
        ("GET", "/api/recordings/x/stop", "function", 404),
    ],
)
async def test_a_wrong_key_or_method_gets_an_empty_body_from_the_host(
    deployment: Deployment, method: str, path: str, key: str | None, status: int
):
    """docs/http.md tells callers how to read these answers, which aren't problems."""
    known = {"function": deployment.where.functions_key}
    headers = {} if key is None else {"x-functions-key": known.get(key, key)}
    async with deployment.http.request(method, deployment.where.functions + path, headers=headers) as response:
        assert (response.status, await response.read()) == (status, b"")
