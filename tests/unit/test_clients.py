"""Managed identity is the better way to deploy, so building everything by identity must work without a key in sight.

And what the surroundings of a process hold is used where it was meant for us: a proxy is, a user's ~/.netrc is not.
"""

import asyncio
from pathlib import Path
from typing import Any, Self

import pytest
from azure.core.exceptions import HttpResponseError

from shared.gateways.clients import Clients
from shared.settings import load_settings


async def test_every_client_is_made_by_identity_with_the_archive_in_an_account_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
):
    environment = {
        "ACS_ENDPOINT": "https://contoso.communication.azure.com",
        "AzureWebJobsStorage__accountName": "callvaulthost",
        "AzureWebJobsStorage__clientId": "11111111-1111-1111-1111-111111111111",
        "ARCHIVE_STORAGE__accountName": "callvaultarchive",
        "ANNOUNCE_TOPIC_ENDPOINT": "https://news.usgovvirginia-1.eventgrid.azure.us/api/events",
    }
    monkeypatch.setattr("os.environ", environment)
    clients = Clients(load_settings())
    assert clients.archive.url.startswith("https://callvaultarchive.blob.core.windows.net")
    assert clients.queue.url.startswith("https://callvaulthost.queue.core.windows.net/recording-chunks")
    assert clients.tables.url.startswith("https://callvaulthost.table.core.windows.net")
    assert clients.topic is not None
    assert clients.topic.format_url("/api/events") == "https://news.usgovvirginia-1.eventgrid.azure.us/api/events"
    await clients.close()


class Listening:
    """A storage account, or a proxy before one, that has nothing and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


async def ask(monkeypatch: pytest.MonkeyPatch, account: str, **environment: str) -> None:
    """Asks an account's table and a public key of ACS for something, as the app would."""
    key = f"AccountName=contoso;AccountKey=c2VjcmV0;TableEndpoint={account}/contoso"
    service: Any = {
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "ACS_ENDPOINT": "https://contoso.communication.azure.com",
        "AzureWebJobsStorage": f"{key};BlobEndpoint={account}/contoso;QueueEndpoint={account}/contoso",
        "ARCHIVE_STORAGE": f"{key};BlobEndpoint={account}/contoso",
        **environment,
    }
    monkeypatch.setattr("os.environ", service)
    clients = Clients(load_settings())
    with pytest.raises(HttpResponseError):
        await clients.tables.get_table_client("recordings").get_entity("partition", "row")
    async with clients.keys.get(f"{account}/keys") as response:
        assert response.status == 404
    await clients.close()


def credentials(request: str) -> list[str]:
    return [line for line in request.splitlines() if line.lower().startswith("authorization:")]


async def test_a_users_netrc_gives_no_one_a_credential(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "netrc").write_text("default login someone password elses")
    async with Listening() as account:
        await ask(monkeypatch, account.address, NETRC=str(tmp_path / "netrc"), no_proxy="example.net")
    tables, keys = account.asked
    assert [one.split(":")[1].strip() for one in credentials(tables)] == ["SharedKey contoso"]
    assert credentials(keys) == []


async def test_a_proxy_that_the_environment_names_is_used(monkeypatch: pytest.MonkeyPatch):
    async with Listening() as proxy:
        await ask(monkeypatch, "http://storage.invalid", http_proxy=proxy.address)
    tables, keys = (one.split()[1] for one in proxy.asked)
    assert tables.startswith("http://storage.invalid/contoso/recordings(")
    assert keys == "http://storage.invalid/keys"
