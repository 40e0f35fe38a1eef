"""A wrong setting found at start costs a minute; found by the first recording it costs the recording."""

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


def test_the_least_that_must_be_set_is_acs_and_storage():
    settings = load_settings()
    assert settings.retention.total_seconds() == 24 * 3600
    assert settings.delete_source is True
    assert settings.chunks_queue == "recording-chunks"
    assert settings.poison_queue == "recording-chunks-poison"
    assert settings.host_storage.connection_string == _STORAGE


@pytest.mark.parametrize(
    ("name", "value", "told"),
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
        ("ACS_ENDPOINT", "http://contoso.communication.azure.com", "ACS_ENDPOINT: must be the resource's address"),
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
        ("ANNOUNCE_TOPIC_KEY", "secret", "ANNOUNCE_TOPIC_KEY: goes with ANNOUNCE_TOPIC_ENDPOINT"),
        ("ACS_LOCAL_GATEWAY", "127.0.0.1:8443", "ACS_LOCAL_GATEWAY: is for local development only"),
        ("ACS_LOCAL_GATEWAY", "attacker.example:443", "ACS_LOCAL_GATEWAY"),
    ],
)
def test_a_wrong_setting_stops_the_app_with_its_name_and_its_mend(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_sentence_about_a_wrong_setting_never_holds_a_secret(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ACS_CONNECTION_STRING", f"accesskey={_KEY}")
    monkeypatch.setenv("BLOCK_SIZE_MIB", _KEY)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert _KEY not in str(raised.value)
    assert _KEY not in repr(raised.value.__cause__)


def test_settings_don_t_show_their_secrets_when_they_are_printed():
    settings = load_settings()
    assert _KEY not in repr(settings)
    assert _KEY not in repr(settings.host_storage)


def test_an_identity_reaches_storage_by_the_functions_convention(monkeypatch: pytest.MonkeyPatch):
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


def test_the_simulator_can_stand_in_for_acs_in_development_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    ca = tmp_path / "ca.pem"
    ca.write_text("certificate")
    monkeypatch.setenv("ACS_LOCAL_GATEWAY", "127.0.0.1:8443")
    monkeypatch.setenv("ACS_LOCAL_CA", str(ca))
    with pytest.raises(SettingsError, match="local development only"):
        load_settings()
    monkeypatch.setenv("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
    assert load_settings().acs_local_gateway == "127.0.0.1:8443"


def test_the_key_is_done_without_only_where_the_platform_says_that_it_signs_callers_in(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SIGN_IN_REPLACES_KEY", "true")
    assert not load_settings().signs_in
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True")
    assert load_settings().signs_in
    monkeypatch.delenv("SIGN_IN_REPLACES_KEY")
    assert not load_settings().signs_in


@pytest.mark.parametrize("cloud", ["net", "us", "cn"])
@pytest.mark.parametrize("path", ["", "/", "/api/events"])
def test_a_topic_of_any_cloud_is_taken_as_the_portal_shows_it(monkeypatch: pytest.MonkeyPatch, cloud: str, path: str):
    endpoint = f"https://news.westeurope-1.eventgrid.azure.{cloud}{path}"
    monkeypatch.setenv("ANNOUNCE_TOPIC_ENDPOINT", endpoint)
    assert load_settings().announce_topic_endpoint == endpoint


def test_an_empty_topic_is_none(monkeypatch: pytest.MonkeyPatch):
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
def test_a_reference_that_was_not_resolved_is_never_a_value(
    monkeypatch: pytest.MonkeyPatch, field: str, name: str, reference: str
):
    monkeypatch.setenv(name, reference)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    (finding,) = raised.value.findings
    assert finding.lower().startswith(f"{name}: holds a Key Vault reference".lower()), field
    assert "Key Vault Secrets User" in finding
    assert "vault.azure.net" not in str(raised.value)


def test_references_of_several_settings_are_told_together(monkeypatch: pytest.MonkeyPatch):
    for name in ("PARTICIPANTS_SECRET", "ACS_CONNECTION_STRING", "AzureWebJobsStorage"):
        monkeypatch.setenv(name, "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/p)")
    with pytest.raises(SettingsError) as raised:
        load_settings()
    (finding,) = raised.value.findings
    assert "ACS_CONNECTION_STRING, AzureWebJobsStorage, PARTICIPANTS_SECRET: holds" in finding
