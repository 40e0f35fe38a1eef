"""Connection names are resolved by the convention of Functions."""

from collections.abc import AsyncIterator, Callable

import pytest

from local.host.configuration.config import Settings
from local.host.errors import ConfigError
from local.host.triggers.queue_accounts import QueueAccounts

CONNECTION = "DefaultEndpointsProtocol=https;AccountName={};AccountKey=a2V5;EndpointSuffix=core.windows.net"


@pytest.fixture
async def url() -> AsyncIterator[Callable[[str, dict[str, str]], str]]:
    made: list[QueueAccounts] = []

    def of(connection: str, values: dict[str, str]) -> str:
        made.append(QueueAccounts(settings=Settings(values=values)))
        return made[-1].queue(connection, "q").url

    yield of
    for accounts in made:
        await accounts.close()


@pytest.mark.parametrize(
    ("values", "address"),
    [
        ({"Main": CONNECTION.format("plain")}, "https://plain.queue.core.windows.net/q"),
        ({"AzureWebJobsMain": CONNECTION.format("prefixed")}, "https://prefixed.queue.core.windows.net/q"),
        ({"Main": "UseDevelopmentStorage=true"}, "http://127.0.0.1:10001/devstoreaccount1/q"),
    ],
)
def test_a_connection_is_found_in_the_settings(url: Callable, values: dict[str, str], address: str) -> None:
    assert url("Main", values) == address


def test_a_missing_connection_is_reported_by_its_name(url: Callable) -> None:
    with pytest.raises(ConfigError, match="no setting for the connection Main"):
        url("Main", {})


def test_an_invalid_connection_is_reported_by_its_name(url: Callable) -> None:
    with pytest.raises(ConfigError, match="the setting Main is not a storage connection string"):
        url("Main", {"Main": "nonsense"})
