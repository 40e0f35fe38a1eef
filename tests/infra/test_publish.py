"""Publishing a package: without a build in Azure, and with a reason if Azure refuses it. SCM is a server here."""

import json
import os
import sys
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from infra import publish
from infra.az import AzError
from infra.package import DEPENDENCIES
from infra.publish import DeploymentEndpoint, PublishError

PACKAGE = b"the package"
DEPLOYMENT = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"


@dataclass
class Scm:
    """The app's deployment endpoint: it answers these statuses, the last one for ever."""

    sent: list[int] = field(default_factory=lambda: [HTTPStatus.ACCEPTED])
    states: list[dict[str, Any] | int] = field(default_factory=lambda: [{"status": 4}])
    received: list[tuple[str, str, bytes]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    async def publish(self, request: web.Request) -> web.Response:
        self.tokens.add(request.headers["Authorization"])
        self.received.append((request.query_string, request.headers["Content-Type"], await request.read()))
        status = _next(self.sent)
        headers = {"Location": "/api/publish"} if status == HTTPStatus.TEMPORARY_REDIRECT else {}
        return web.json_response(DEPLOYMENT, status=status, headers=headers)

    async def deployment(self, request: web.Request) -> web.Response:
        assert request.match_info["id"] == DEPLOYMENT
        self.tokens.add(request.headers["Authorization"])
        state = _next(self.states)
        return web.json_response(state) if isinstance(state, dict) else web.Response(status=state)

    async def log(self, _request: web.Request) -> web.Response:
        return web.json_response([{"message": "Uploading"}, {"message": "No space left"}])


def _next[T](answers: list[T]) -> T:
    return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def scm() -> Scm:
    return Scm()


@pytest_asyncio.fixture
async def endpoint(scm: Scm) -> AsyncIterator[DeploymentEndpoint]:
    app = web.Application()
    app.router.add_post("/api/publish", scm.publish)
    app.router.add_get("/api/deployments/{id}", scm.deployment)
    app.router.add_get("/api/deployments/{id}/log", scm.log)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        yield DeploymentEndpoint(http, str(server.make_url("")).rstrip("/"), "t", pause=0)


async def test_the_package_is_sent_as_it_is_and_nothing_is_built(scm: Scm, endpoint: DeploymentEndpoint):
    """Azure's build takes the libraries of another Python, and the app then doesn't start."""
    scm.states = [{"status": 1}, {"status": 2}, {"status": 4}]
    await endpoint.publish(PACKAGE)
    ((query, kind, body),) = scm.received
    assert "RemoteBuild=false" in query
    assert (kind, body) == ("application/zip", PACKAGE)
    assert scm.tokens == {"Bearer t"}


async def test_a_new_app_is_waited_for(scm: Scm, endpoint: DeploymentEndpoint):
    scm.sent = [HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.BAD_GATEWAY, HTTPStatus.ACCEPTED]
    scm.states = [HTTPStatus.NOT_FOUND, HTTPStatus.BAD_GATEWAY, {"status": 4}]
    await endpoint.publish(PACKAGE)
    assert [body for _, _, body in scm.received] == [PACKAGE] * 3


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (HTTPStatus.UNAUTHORIZED, "Microsoft.Web/sites/publish/action"),
        (HTTPStatus.FORBIDDEN, "access restrictions"),
        (HTTPStatus.CONFLICT, "another deployment is running"),
        (HTTPStatus.BAD_REQUEST, f"Azure answered 400: {DEPLOYMENT}"),
    ],
)
async def test_a_refusal_is_explained_and_not_repeated(
    scm: Scm, endpoint: DeploymentEndpoint, status: HTTPStatus, said: str
):
    scm.sent = [status]
    with pytest.raises(PublishError, match=said):
        await endpoint.publish(PACKAGE)
    assert len(scm.received) == 1


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (3, "failed. Its log: Uploading; No space left"),
        (-1, "replaced by another deployment"),
        (5, "cancelled"),
        (6, "in part"),
    ],
)
async def test_a_deployment_that_fails_ends_with_its_log(
    scm: Scm, endpoint: DeploymentEndpoint, status: int, said: str
):
    scm.states = [{"status": 1}, {"status": status}]
    with pytest.raises(PublishError, match=said):
        await endpoint.publish(PACKAGE)


async def test_neither_an_endpoint_nor_a_deployment_is_waited_for_for_ever(scm: Scm, endpoint: DeploymentEndpoint):
    scm.states = [{"status": 1}]
    with pytest.raises(PublishError, match="hasn't ended yet"):
        await endpoint.publish(PACKAGE)
    scm.sent = [HTTPStatus.SERVICE_UNAVAILABLE]
    with pytest.raises(PublishError, match="isn't ready"):
        await endpoint.publish(PACKAGE)


AZ = """#!/bin/sh
cd "$(dirname "$0")"
case "$*" in
  'functionapp show'*) cat site.json ;;
  'account get-access-token --resource-type arm'*) echo '{"accessToken": "t"}' ;;
  *) exit 9 ;;
esac
"""
HOSTS = [
    {"name": "func-x.azurewebsites.net", "hostType": "Standard"},
    {"name": "func-x.scm.azurewebsites.net", "hostType": "Repository"},
]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a library, and an Azure CLI."""
    (tmp_path / "az").write_text(AZ)
    (tmp_path / "az").chmod(0o755)
    (tmp_path / "site.json").write_text(json.dumps({"hostNameSslStates": HOSTS}))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    package = tmp_path / "package.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(f"{DEPENDENCIES}/aiohttp/__init__.py", "")
    options = ("--group", "rg", "--app", "func-x", "--package", str(package))
    monkeypatch.setattr(sys, "argv", ["publish", *options])
    return package


@pytest.mark.parametrize("nested", [False, True])
def test_the_package_goes_to_the_app_s_own_endpoint(command: Path, monkeypatch: pytest.MonkeyPatch, nested: bool):
    if nested:
        (command.parent / "site.json").write_text(json.dumps({"properties": {"hostNameSslStates": HOSTS}}))
    published: list[tuple[str, str, bytes]] = []

    async def sent(host: str, token: str, package: bytes) -> None:
        published.append((host, token, package))

    monkeypatch.setattr(publish, "_publish", sent)
    assert publish.main() == 0
    assert published == [("func-x.scm.azurewebsites.net", "t", command.read_bytes())]


def test_an_app_without_an_endpoint_is_named(command: Path, capsys: pytest.CaptureFixture[str]):
    (command.parent / "site.json").write_text(json.dumps({"hostNameSslStates": HOSTS[:1]}))
    assert publish.main() == 1
    assert "func-x has no deployment endpoint" in capsys.readouterr().err
    with pytest.raises(AzError, match="az functionapp list failed"):
        publish.az("functionapp", "list")


@pytest.mark.parametrize(
    "host", ["func-x.scm.azurewebsites.net.example.com", "example.com", "func-x.azurewebsites.net"]
)
def test_the_user_s_token_goes_only_to_azure_s_hosts(command: Path, capsys: pytest.CaptureFixture[str], host: str):
    site = {"hostNameSslStates": [{"name": host, "hostType": "Repository"}]}
    (command.parent / "site.json").write_text(json.dumps(site))
    assert publish.main() == 1
    assert "func-x has no deployment endpoint" in capsys.readouterr().err


def test_an_app_may_have_a_unique_host_name(command: Path):
    site = {"hostNameSslStates": [{"name": "func-x-a1.scm.westeurope-01.azurewebsites.net", "hostType": "Repository"}]}
    (command.parent / "site.json").write_text(json.dumps(site))
    assert publish.deployment_host("rg", "func-x") == site["hostNameSslStates"][0]["name"]


@pytest.mark.parametrize("status", [307, 599])
async def test_an_unusual_answer_is_an_error_and_a_redirect_gets_no_token(
    scm: Scm, endpoint: DeploymentEndpoint, status: int
):
    scm.sent = [status]
    with pytest.raises(PublishError, match=f"Azure answered {status}"):
        await endpoint.publish(PACKAGE)
    assert len(scm.received) == 1


def test_a_package_without_libraries_is_refused_before_it_is_sent(command: Path, capsys: pytest.CaptureFixture[str]):
    with zipfile.ZipFile(command, "w") as archive:
        archive.writestr("function_app.py", "")
    with pytest.raises(SystemExit):
        publish.main()
    assert "contains no libraries: run make package ARGS=--with-dependencies" in capsys.readouterr().err
    command.write_bytes(b"no zip")
    with pytest.raises(SystemExit):
        publish.main()
    assert "not a zip file" in capsys.readouterr().err
