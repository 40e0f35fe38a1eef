"""Only Azure's own hosts get the identity's tokens: a changed setting must not send them elsewhere."""

import pytest

from shared.errors import SettingsError
from shared.settings.settings import load_settings
from shared.settings.token_hosts import require_token_host

IDENTITY = {"ACS_ENDPOINT": "https://fabrikam.communication.azure.com", "AzureWebJobsStorage__accountName": "fabrikam"}
STORAGE = {
    "AzureWebJobsStorage__blobServiceUri": "blob",
    "AzureWebJobsStorage__queueServiceUri": "queue",
    "AzureWebJobsStorage__tableServiceUri": "table",
    "ARCHIVE_STORAGE__blobServiceUri": "blob",
}
OTHER_SERVICE = {"blob": "queue", "queue": "table", "table": "blob"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", dict(IDENTITY))


def accepts(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> bool:
    """Whether the app starts with a setting; a refusal names the setting and never quotes the value."""
    monkeypatch.setenv(name, value)
    try:
        load_settings()
    except SettingsError as error:
        sentence = str(error)
    else:
        return True
    assert f"{name}: must be " in sentence
    assert not value or value not in sentence
    return False


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fabrikam.communication.azure.com",
        "https://fabrikam.communication.azure.com/",
        "https://Fabrikam-2.unitedstates.communication.azure.com",
        "https://fabrikam.usgov.communication.azure.us",
        "https://fabrikam.communication.azure.cn",
    ],
)
def test_an_acs_resource_of_any_cloud_is_accepted(monkeypatch: pytest.MonkeyPatch, endpoint: str):
    assert accepts(monkeypatch, "ACS_ENDPOINT", endpoint)
    assert require_token_host(endpoint) == endpoint


@pytest.mark.parametrize("name", STORAGE)
@pytest.mark.parametrize(
    "host",
    [
        "fabrikam.{service}.core.windows.net",
        "fabrikam.{service}.core.usgovcloudapi.net",
        "fabrikam.{service}.core.chinacloudapi.cn",
        "fabrikam2.z07.{service}.storage.azure.net",
    ],
)
@pytest.mark.parametrize("path", ["", "/"])
def test_a_storage_service_of_any_cloud_is_accepted(monkeypatch: pytest.MonkeyPatch, name: str, host: str, path: str):
    endpoint = f"https://{host.format(service=STORAGE[name])}{path}"
    assert accepts(monkeypatch, name, endpoint)
    assert require_token_host(endpoint) == endpoint


def tricks(host: str) -> list[str]:
    """Addresses that look like one on this host."""
    name, _, suffix = host.partition(".")
    return [
        f"http://{host}",
        f"HTTPS://{host}",
        f"https://{name}.{suffix.upper()}",
        f"https://{host}:443",
        f"https://{host}:8443/",
        f"https://{host}.",
        f"https://{host}./",
        f"https://user@{host}",
        f"https://{host}@attacker.example",
        f"https://{host}:x@attacker.example/",
        f"https://{host}.attacker.example",
        f"https://attacker.example/{host}",
        f"https://attacker.example/.{suffix}",
        f"https://attacker.example#.{suffix}",
        f"https://attacker.example?.{suffix}",
        f"https://attacker.example\\.{suffix}",
        f"https://{name}{suffix}",
        f"https://.{suffix}",
        f"https://{suffix}",
        f"https://{host}/path",
        f"https://{host}//attacker.example",
        f"https://{host}/..",
        f"https://{host}?a=b",
        f"https://{host}#a",
        f"https://{host} ",
        f" https://{host}",
        f"https://{host}\n",
        f"https://{host}\t",
        f"https://{host}%2eattacker.example",
        f"https://f\u0430brikam.{suffix}",  # a Cyrillic letter
        f"https://{name}\u3002{suffix}",  # a full stop of another script, which IDNA maps to a dot
        f"https://{host.replace('m', chr(0x1D426), 1)}",  # a mathematical m, which IDNA maps to m
        f"//{host}",
        host,
        f"https://[{host}]",
    ]


@pytest.mark.parametrize("value", tricks("fabrikam.communication.azure.com"))
def test_no_other_host_is_accepted_for_acs(monkeypatch: pytest.MonkeyPatch, value: str):
    assert not accepts(monkeypatch, "ACS_ENDPOINT", value)


@pytest.mark.parametrize("value", [*tricks("team.westeurope-1.eventgrid.azure.net"), "https://t.x.eventgrid.azure.de"])
def test_no_other_host_is_accepted_for_a_topic(monkeypatch: pytest.MonkeyPatch, value: str):
    assert not accepts(monkeypatch, "ANNOUNCE_TOPIC_ENDPOINT", value)


@pytest.mark.parametrize("name", STORAGE)
def test_no_other_host_is_accepted_for_storage(monkeypatch: pytest.MonkeyPatch, name: str):
    service = STORAGE[name]
    others = [
        f"https://fabrikam.{OTHER_SERVICE[service]}.core.windows.net",
        f"https://fabrikam.privatelink.{service}.core.windows.net",
        f"https://Fabrikam.{service}.core.windows.net",
        f"https://fabri-kam.{service}.core.windows.net",
        f"https://ab.{service}.core.windows.net",
        f"https://fabrikam.z7x.{service}.storage.azure.net",
        f"https://fabrikam.{service}.storage.azure.net",
        f"https://fabrikam.{service}.core.cloudapi.de",
        "http://127.0.0.1:10000/devstoreaccount1",
    ]
    taken = [
        one for one in [*others, *tricks(f"fabrikam.{service}.core.windows.net")] if accepts(monkeypatch, name, one)
    ]
    assert taken == []


@pytest.mark.parametrize("name", ["AzureWebJobsStorage__accountName", "ARCHIVE_STORAGE__accountName"])
@pytest.mark.parametrize(
    "value", ["attacker.example/", "attacker.example#", "a@b", "Fabrikam", "ab", "fabri-kam", "c" * 25, "fabrikam\n"]
)
def test_an_account_name_can_not_contain_a_host(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    assert not accepts(monkeypatch, name, value)


def test_an_empty_account_name_counts_as_unset(monkeypatch: pytest.MonkeyPatch):
    for name in (*STORAGE, "ARCHIVE_STORAGE__accountName"):
        assert accepts(monkeypatch, name, "")
    assert load_settings().archive_storage == load_settings().host_storage


@pytest.mark.parametrize(
    "of_identity",
    [
        {"ACS_ENDPOINT": IDENTITY["ACS_ENDPOINT"], "ACS_CONNECTION_STRING": ""},
        {"ANNOUNCE_TOPIC_ENDPOINT": "https://news.westeurope-1.eventgrid.azure.net"},
    ],
)
def test_the_simulator_never_receives_a_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, of_identity: dict[str, str]
):
    authority = tmp_path_factory.mktemp("simulator") / "ca.pem"
    authority.write_text("certificate")
    local = {
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "ACS_LOCAL_GATEWAY": "127.0.0.1:8443",
        "ACS_LOCAL_CA": str(authority),
        "ACS_CONNECTION_STRING": "endpoint=https://fabrikam.communication.azure.com/;accesskey=a2V5",
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    }
    monkeypatch.setattr("os.environ", dict(local))
    assert load_settings().acs_local_gateway
    monkeypatch.setattr("os.environ", local | of_identity)
    with pytest.raises(SettingsError, match="ACS_LOCAL_GATEWAY: Callvault never sends an identity"):
        load_settings()
