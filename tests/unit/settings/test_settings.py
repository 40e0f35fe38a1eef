"""An invalid setting found at start costs a minute; found at the first recording, it costs the recording."""

from pathlib import Path

import pytest

from shared.errors import SettingsError
from shared.settings.settings import Settings, load_settings

_KEY = "c2VjcmV0LXRoYXQtbXVzdC1ub3Qtc2hvdw=="
_ACS = f"endpoint=https://contoso.communication.azure.com/;accesskey={_KEY}"
_STORAGE = f"DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey={_KEY};EndpointSuffix=core.windows.net"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {"ACS_CONNECTION_STRING": _ACS, "AzureWebJobsStorage": _STORAGE})


def test_only_acs_and_storage_are_required():
    settings = load_settings()
    assert settings.retention.total_seconds() == 24 * 3600
    assert settings.delete_source is True
    assert settings.chunks_queue == "recording-chunks"
    assert settings.poison_queue == "recording-chunks-poison"
    assert settings.host_storage.connection_string == _STORAGE


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("RETENTION_HOURS", "a day", "RETENTION_HOURS: must be hours, more than 0 and at most 48"),
        ("RETENTION_HOURS", "0", "RETENTION_HOURS"),
        ("DELETE_SOURCE", "perhaps", "DELETE_SOURCE: must be true or false"),
        ("BLOCK_SIZE_MIB", "0", "BLOCK_SIZE_MIB"),
        ("CHUNKS_QUEUE", "Chunks_Queue", "CHUNKS_QUEUE"),
        ("ARCHIVE_CONTAINER", "a--b", "ARCHIVE_CONTAINER"),
        ("ACS_CONNECTION_STRING", "https://contoso.communication.azure.com", "endpoint=https://"),
        ("ACS_CONNECTION_STRING", "", "ACS_CONNECTION_STRING, ACS_ENDPOINT: set exactly one"),
        ("ACS_ENDPOINT", "https://contoso.communication.azure.com", "ACS_CONNECTION_STRING, ACS_ENDPOINT: set exactly"),
        ("ACS_ENDPOINT", "http://contoso.communication.azure.com", "ACS_ENDPOINT: must be the resource's endpoint"),
        ("ACS_CONNECTION_STRING", "endpoint=https://x.communication.azure.com/;accesskey=no key", "<base64 key>"),
        ("ACS_CONNECTION_STRING", "endpoint=;accesskey=a2V5", "endpoint=https://"),
        ("AzureWebJobsStorage", "garbage", "AzureWebJobsStorage: must be a storage account's connection string"),
        ("ARCHIVE_STORAGE", "AccountName=x;AccountKey=no key", "ARCHIVE_STORAGE: must be"),
        ("AzureWebJobsStorage", "", "AzureWebJobsStorage"),
        ("ANNOUNCE_TOPIC_ENDPOINT", "http://t.westeurope-1.eventgrid.azure.net/api/events", "ANNOUNCE_TOPIC_ENDPOINT"),
        ("ANNOUNCE_TOPIC_ENDPOINT", "https://eventgrid.azure.net.attacker.example", "an Event Grid topic's endpoint"),
        ("ANNOUNCE_TOPIC_ENDPOINT", "https://attacker.example/x.eventgrid.azure.net", "ANNOUNCE_TOPIC_ENDPOINT"),
        ("ANNOUNCE_TOPIC_ENDPOINT", "https://a@b.eventgrid.azure.net", "ANNOUNCE_TOPIC_ENDPOINT"),
        ("ANNOUNCE_TOPIC_ENDPOINT", "https://t.eventgrid.azure.net/api/events?key=secret", "ANNOUNCE_TOPIC_ENDPOINT"),
        ("ANNOUNCE_TOPIC_KEY", "secret", "ANNOUNCE_TOPIC_KEY: requires ANNOUNCE_TOPIC_ENDPOINT"),
        ("ACS_LOCAL_GATEWAY", "127.0.0.1:8443", "ACS_LOCAL_GATEWAY: is for local development only"),
        ("ACS_LOCAL_GATEWAY", "attacker.example:443", "ACS_LOCAL_GATEWAY"),
    ],
)
def test_an_invalid_setting_stops_the_app_with_its_name_and_the_fix(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_message_about_an_invalid_setting_never_contains_a_secret(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ACS_CONNECTION_STRING", f"accesskey={_KEY}")
    monkeypatch.setenv("BLOCK_SIZE_MIB", _KEY)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert _KEY not in str(raised.value)
    assert _KEY not in repr(raised.value.__cause__)


def test_printed_settings_contain_no_secrets():
    settings = load_settings()
    assert _KEY not in repr(settings)
    assert _KEY not in repr(settings.host_storage)


def test_storage_by_identity_is_set_by_the_functions_convention(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AzureWebJobsStorage")
    monkeypatch.setenv("AzureWebJobsStorage__accountName", "callvaulthost")
    monkeypatch.setenv("AzureWebJobsStorage__clientId", "11111111-1111-1111-1111-111111111111")
    monkeypatch.setenv("ARCHIVE_STORAGE__blobServiceUri", "https://callvaultarchive.blob.core.windows.net")
    settings = load_settings()
    assert settings.host_storage.queue_uri == "https://callvaulthost.queue.core.windows.net"
    assert settings.host_storage.table_uri == "https://callvaulthost.table.core.windows.net"
    assert settings.host_storage.client_id == "11111111-1111-1111-1111-111111111111"
    assert settings.archive_storage.blob_uri == "https://callvaultarchive.blob.core.windows.net"


def test_the_archive_is_in_the_host_s_account_unless_another_is_named(monkeypatch: pytest.MonkeyPatch):
    assert load_settings().archive_storage == load_settings().host_storage
    monkeypatch.setenv("ARCHIVE_STORAGE", "UseDevelopmentStorage=true")
    assert load_settings().archive_storage.connection_string == "UseDevelopmentStorage=true"


def test_the_simulator_can_replace_acs_in_development_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    ca = tmp_path / "ca.pem"
    ca.write_text("certificate")
    monkeypatch.setenv("ACS_LOCAL_GATEWAY", "127.0.0.1:8443")
    monkeypatch.setenv("ACS_LOCAL_CA", str(ca))
    with pytest.raises(SettingsError, match="local development only"):
        load_settings()
    monkeypatch.setenv("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
    assert load_settings().acs_local_gateway == "127.0.0.1:8443"


def test_sign_in_replaces_the_key_only_if_the_platform_confirms_that_sign_in_is_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SIGN_IN_REPLACES_KEY", "true")
    assert not load_settings().signs_in
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True")
    assert load_settings().signs_in
    monkeypatch.delenv("SIGN_IN_REPLACES_KEY")
    assert not load_settings().signs_in


@pytest.mark.parametrize("cloud", ["net", "us", "cn"])
@pytest.mark.parametrize("path", ["", "/", "/api/events"])
def test_a_topic_endpoint_of_any_cloud_is_accepted_as_the_portal_shows_it(
    monkeypatch: pytest.MonkeyPatch, cloud: str, path: str
):
    endpoint = f"https://news.westeurope-1.eventgrid.azure.{cloud}{path}"
    monkeypatch.setenv("ANNOUNCE_TOPIC_ENDPOINT", endpoint)
    assert load_settings().announce_topic_endpoint == endpoint


def test_an_empty_topic_endpoint_counts_as_unset(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ANNOUNCE_TOPIC_ENDPOINT", "")
    monkeypatch.setenv("ANNOUNCE_TOPIC_KEY", "")
    assert load_settings().announce_topic_endpoint is None


@pytest.mark.parametrize(
    ("field", "name"),
    [
        (field, str(one.validation_alias or field.upper()))
        for field, one in Settings.model_fields.items()
        if field not in {"host_connection", "acs_connection_string"}
    ],
)
@pytest.mark.parametrize(
    "reference",
    [
        "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/p)",
        " @microsoft.keyvault(VaultName=v;SecretName=p)",
        "@Microsoft.AppConfiguration(Endpoint=https://c.azconfig.io; Key=p)",
    ],
)
def test_an_unresolved_reference_is_never_used_as_a_value(
    monkeypatch: pytest.MonkeyPatch, field: str, name: str, reference: str
):
    monkeypatch.setenv(name, reference)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    (finding,) = raised.value.findings
    assert finding.lower().startswith(f"{name}: contains a Key Vault reference".lower()), field
    assert "Key Vault Secrets User" in finding
    assert "vault.azure.net" not in str(raised.value)


def test_unresolved_references_of_several_settings_are_reported_together(monkeypatch: pytest.MonkeyPatch):
    for name in ("PARTICIPANTS_SECRET", "ACS_CONNECTION_STRING", "AzureWebJobsStorage"):
        monkeypatch.setenv(name, "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/p)")
    with pytest.raises(SettingsError) as raised:
        load_settings()
    (finding,) = raised.value.findings
    assert "ACS_CONNECTION_STRING, AzureWebJobsStorage, PARTICIPANTS_SECRET: contains" in finding
