"""Every client must work with a managed identity alone, without any key.

Of the process's environment, only what is meant for the app may be used: a proxy, but not a user's ~/.netrc.
"""

import asyncio
from pathlib import Path
from typing import Any, Self

import pytest
from azure.core.exceptions import HttpResponseError

from shared.errors import SettingsError
from shared.gateways.clients import Clients
from shared.settings.settings import Settings, load_settings

BY_IDENTITY = {
    "ACS_ENDPOINT": "https://contoso.communication.azure.com",
    "AzureWebJobsStorage__accountName": "callvaulthost",
    "AzureWebJobsStorage__clientId": "11111111-1111-1111-1111-111111111111",
    "ARCHIVE_STORAGE__accountName": "callvaultarchive",
    "ANNOUNCE_TOPIC_ENDPOINT": "https://news.usgovvirginia-1.eventgrid.azure.us/api/events",
}


async def test_every_client_works_with_a_managed_identity_and_a_separate_archive_account(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("os.environ", BY_IDENTITY)
    clients = Clients(load_settings())
    assert clients.archive.url.startswith("https://callvaultarchive.blob.core.windows.net")
    assert clients.queue.url.startswith("https://callvaulthost.queue.core.windows.net/recording-chunks")
    assert clients.tables.url.startswith("https://callvaulthost.table.core.windows.net")
    assert clients.topic is not None
    assert clients.topic.format_url("/api/events") == "https://news.usgovvirginia-1.eventgrid.azure.us/api/events"
    await clients.close()


class Listening:
    """An empty storage account, or a proxy in front of one, that records its requests."""

    def __init__(self, status: str = "404 Not Found", location: str = "") -> None:
        self.asked: list[str] = []
        self._status = f"{status}\r\nLocation: {location}" if location else status

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(f"HTTP/1.1 {self._status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


def settings_for(monkeypatch: pytest.MonkeyPatch, account: str, **environment: str) -> Settings:
    key = f"AccountName=contoso;AccountKey=c2VjcmV0;TableEndpoint={account}/contoso"
    service: Any = {
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "ACS_ENDPOINT": "https://contoso.communication.azure.com",
        "AzureWebJobsStorage": f"{key};BlobEndpoint={account}/contoso;QueueEndpoint={account}/contoso",
        "ARCHIVE_STORAGE": f"{key};BlobEndpoint={account}/contoso",
        **environment,
    }
    monkeypatch.setattr("os.environ", service)
    return load_settings()


async def ask_each_service(monkeypatch: pytest.MonkeyPatch, account: str) -> None:
    """Sends one request each to tables, queue and archive, like the app."""
    clients = Clients(settings_for(monkeypatch, account))
    for asked in (
        clients.tables.get_table_client("recordings").get_entity("partition", "row"),
        clients.queue.get_queue_properties(),
        clients.archive.get_container_client("recordings").get_container_properties(),
    ):
        with pytest.raises(HttpResponseError):
            await asked
    await clients.close()


async def ask(monkeypatch: pytest.MonkeyPatch, account: str, **environment: str) -> None:
    """Sends a request for a table and one for a public key of ACS, like the app."""
    clients = Clients(settings_for(monkeypatch, account, **environment))
    with pytest.raises(HttpResponseError):
        await clients.tables.get_table_client("recordings").get_entity("partition", "row")
    async with clients.keys.get(f"{account}/keys") as response:
        assert response.status == 404
    await clients.close()


def credentials(request: str) -> list[str]:
    return [line for line in request.splitlines() if line.lower().startswith("authorization:")]


async def test_no_credential_of_a_user_s_netrc_is_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "netrc").write_text("default login someone password elses")
    async with Listening() as account:
        await ask(monkeypatch, account.address, NETRC=str(tmp_path / "netrc"), no_proxy="example.net")
    tables, keys = account.asked
    assert [one.split(":")[1].strip() for one in credentials(tables)] == ["SharedKey contoso"]
    assert credentials(keys) == []


async def test_a_redirect_sends_no_credential_to_another_host(monkeypatch: pytest.MonkeyPatch):
    async with Listening() as elsewhere, Listening("307 Temporary Redirect", f"{elsewhere.address}/x") as account:
        await ask_each_service(monkeypatch, account.address)
    assert len(account.asked) == 3
    assert elsewhere.asked == []


async def test_no_token_is_sent_to_a_host_outside_azure_whatever_the_settings_are(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("os.environ", BY_IDENTITY)
    settings = load_settings()
    for field, value in (
        ("acs_endpoint", "https://contoso.communication.azure.com.attacker.example"),
        ("host_table_uri", "https://attacker.example"),
        ("host_queue_uri", "http://callvaulthost.queue.core.windows.net"),
        ("archive_account", "attacker.example/"),
        ("announce_topic_endpoint", "https://attacker.example/api/events"),
    ):
        with pytest.raises(SettingsError) as raised:
            Clients(settings.model_copy(update={field: value}))
        assert "attacker" not in str(raised.value)


async def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch):
    async with Listening() as proxy:
        await ask(monkeypatch, "http://storage.invalid", http_proxy=proxy.address)
    tables, keys = (one.split()[1] for one in proxy.asked)
    assert tables.startswith("http://storage.invalid/contoso/recordings(")
    assert keys == "http://storage.invalid/keys"
