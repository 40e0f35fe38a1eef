"""Managed identity is the better way to deploy, so building everything by identity must work without a key in sight."""

import pytest

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
