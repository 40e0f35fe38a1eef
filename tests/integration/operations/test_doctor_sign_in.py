"""The doctor checks from outside whether the app's sign-in refuses unknown callers."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from shared.errors import SourceUnavailable
from shared.gateways.own_address import OwnAddress
from shared.operations.doctor import sign_in
from shared.operations.doctor.findings import Finding, Level

pytestmark = pytest.mark.asyncio(loop_scope="session")

type Rule = Callable[[web.Request], int]


@asynccontextmanager
async def own_address(rule: Rule) -> AsyncIterator[OwnAddress]:
    """An app whose platform answers as `rule` says."""

    async def answer(request: web.Request) -> web.Response:
        assert request.path == "/api/health"
        return web.Response(status=rule(request), headers={"Location": "/elsewhere"})

    application = web.Application()
    application.router.add_get("/api/health", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession() as http:
            yield OwnAddress(http, f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()


async def findings_of(rule: Rule) -> list[Finding]:
    async with own_address(rule) as one:
        return await sign_in.check_sign_in(one)


def named(request: web.Request) -> bool:
    """Whether the request has an identity header like the platform's."""
    principal = request.headers.get("X-MS-CLIENT-PRINCIPAL")
    if principal is None:
        return False
    assert {"typ": "roles", "val": "Operator"} in json.loads(base64.b64decode(principal))["claims"]
    return bool(request.headers["X-MS-CLIENT-PRINCIPAL-ID"])


async def test_an_app_that_refuses_unknown_callers_passes():
    (finding,) = await findings_of(lambda _: 401)
    assert finding.level is Level.OK


@pytest.mark.parametrize("status", [200, 503, 302, 403, 404])
async def test_every_answer_but_401_to_an_unknown_caller_is_a_failure(status: int):
    found = await findings_of(lambda request: 401 if named(request) else status)
    assert [(one.level, str(status) in one.detail, "without sign-in" in one.detail) for one in found] == [
        (Level.FAILURE, True, True)
    ]


async def test_accepted_forged_identity_headers_are_a_failure():
    (finding,) = await findings_of(lambda request: 200 if named(request) else 401)
    assert finding.level is Level.FAILURE
    assert "forged X-MS-CLIENT-PRINCIPAL" in finding.detail


async def test_an_app_that_does_not_answer_is_reported():
    async with own_address(lambda _: 401) as one:
        pass
    async with aiohttp.ClientSession() as http:
        with pytest.raises(SourceUnavailable):
            await sign_in.check_sign_in(OwnAddress(http, one._url.removesuffix("/api/health")))  # noqa: SLF001 - a closed port
