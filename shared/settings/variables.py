"""Each app setting by itself: name, type, bounds, default, and the rule that an error message shows."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.domain.files.checksums import ChecksumKind
from shared.settings.token_hosts import (
    ACCOUNT_NAME,
    ACCOUNT_NAME_RULE,
    ACS_ENDPOINT,
    ACS_ENDPOINT_RULE,
    BLOB_ENDPOINT,
    BLOB_ENDPOINT_RULE,
    QUEUE_ENDPOINT,
    QUEUE_ENDPOINT_RULE,
    TABLE_ENDPOINT,
    TABLE_ENDPOINT_RULE,
    TOPIC_ENDPOINT,
    TOPIC_ENDPOINT_RULE,
)

_RESOURCE_NAME = r"^[a-z0-9](?:-?[a-z0-9]){2,62}$"  # what Azure allows for queues and containers
_RESOURCE = "3 to 63 lower-case letters, digits and single hyphens"
_TABLE = "3 to 63 letters and digits, starting with a letter"
_AUTOMATION = "https://acscallautomation.communication.azure.com"
# Signing keys from another host would let that host sign callbacks.
_AUTOMATION_PATTERN = r"^https://([A-Za-z0-9-]+\.)+communication\.azure\.(com|us)(/[A-Za-z0-9._/-]*)?$"
_ACS_RESOURCE_PATTERN = (
    r"(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Communication/communicationServices/[^/]+$"
)
_AUTOMATION_ADDRESS = "an HTTPS URL on a subdomain of communication.azure.com or communication.azure.us"

_HOST_PATTERN = r"(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*"

ResourceName = Annotated[str, StringConstraints(pattern=_RESOURCE_NAME)]
TableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9]{2,62}$")]
AccountName = Annotated[str, StringConstraints(pattern=ACCOUNT_NAME)]
BlobEndpoint = Annotated[str, StringConstraints(pattern=BLOB_ENDPOINT)]
QueueEndpoint = Annotated[str, StringConstraints(pattern=QUEUE_ENDPOINT)]
TableEndpoint = Annotated[str, StringConstraints(pattern=TABLE_ENDPOINT)]


def _named(alias: str, rule: str) -> Any:
    """An optional setting named by the Functions host's convention for connections."""
    return Field(default=None, validation_alias=alias, description=rule)


class Environment(BaseSettings):
    """All app settings. The names of sizes and durations contain the unit."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False, hide_input_in_errors=True)

    acs_connection_string: str | None = Field(default=None, repr=False)
    acs_endpoint: str | None = Field(default=None, pattern=ACS_ENDPOINT, description=ACS_ENDPOINT_RULE)
    azure_client_id: str | None = None

    host_connection: str | None = Field(default=None, repr=False, validation_alias="AzureWebJobsStorage")
    host_account: AccountName | None = _named("AzureWebJobsStorage__accountName", ACCOUNT_NAME_RULE)
    host_blob_uri: BlobEndpoint | None = _named("AzureWebJobsStorage__blobServiceUri", BLOB_ENDPOINT_RULE)
    host_queue_uri: QueueEndpoint | None = _named("AzureWebJobsStorage__queueServiceUri", QUEUE_ENDPOINT_RULE)
    host_table_uri: TableEndpoint | None = _named("AzureWebJobsStorage__tableServiceUri", TABLE_ENDPOINT_RULE)
    host_client_id: str | None = Field(default=None, validation_alias="AzureWebJobsStorage__clientId")

    archive_connection: str | None = Field(default=None, repr=False, validation_alias="ARCHIVE_STORAGE")
    archive_account: AccountName | None = _named("ARCHIVE_STORAGE__accountName", ACCOUNT_NAME_RULE)
    archive_blob_uri: BlobEndpoint | None = _named("ARCHIVE_STORAGE__blobServiceUri", BLOB_ENDPOINT_RULE)
    archive_client_id: str | None = Field(default=None, validation_alias="ARCHIVE_STORAGE__clientId")

    retention_hours: float = Field(default=24, gt=0, le=48, description="hours, more than 0 and at most 48")
    delete_source: bool = Field(default=True, description="true or false")
    block_size_mib: int = Field(default=8, ge=1, le=100, description="a whole number of MiB from 1 to 100")
    block_checksum: ChecksumKind = Field(default=ChecksumKind.CRC64, description="crc64 or md5")
    memory_budget_mib: int = Field(
        default=192, ge=1, le=65536, description="a whole number of MiB, at least BLOCK_SIZE_MIB"
    )
    ranges_in_flight: int = Field(default=4, ge=1, le=32, description="a whole number from 1 to 32")
    attempt_minutes: float = Field(default=50, gt=0, le=1440, description="minutes, more than 0 and at most 1440")
    lease_seconds: float = Field(default=45, ge=1, le=600, description="seconds from 1 to 600")
    max_attempts: int = Field(default=50, ge=1, le=1000, description="a whole number from 1 to 1000")
    sweep_grace_seconds: float = Field(default=90, ge=1, le=3600, description="seconds from 1 to 3600")
    files_awaited_minutes: float = Field(
        default=120, gt=0, le=2880, description="minutes, more than 0 and at most 2880"
    )
    retry_base_seconds: float = Field(default=10, gt=0, le=600, description="seconds, more than 0 and at most 600")

    archive_delete_after_days: int = Field(
        default=0,
        ge=0,
        le=99_999,
        description="a whole number of days; 0 or empty if no lifecycle rule deletes archived files",
    )

    chunks_queue: ResourceName = Field(default="recording-chunks", description=_RESOURCE)
    archive_container: ResourceName = Field(default="recordings", description=_RESOURCE)
    quarantine_container: ResourceName = Field(default="quarantine", description=_RESOURCE)
    deadletter_container: ResourceName = Field(default="deadletter", description=_RESOURCE)
    recordings_table: TableName = Field(default="recordings", description=_TABLE)
    worklist_table: TableName = Field(default="worklist", description=_TABLE)
    links_table: TableName = Field(default="links", description=_TABLE)
    requests_table: TableName = Field(default="requests", description=_TABLE)
    calendar_table: TableName = Field(default="calendar", description=_TABLE)
    participants_table: TableName = Field(default="participants", description=_TABLE)

    link_minutes: float = Field(default=15, ge=1, le=60, description="minutes from 1 to 60")
    participants_secret: str | None = Field(
        default=None, repr=False, min_length=16, description="at least 16 characters"
    )

    callback_url: str | None = Field(
        default=None,
        pattern=r"^https://[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._~/-]*)?$",
        description="this app's URL for callbacks, as in https://<app>.azurewebsites.net/api/callbacks",
    )
    callback_secret: str | None = Field(default=None, repr=False, min_length=32, description="at least 32 characters")
    state_callback_hosts: str = Field(
        default="",
        pattern=rf"^{_HOST_PATTERN}( *, *{_HOST_PATTERN})*$|^$",
        description="host names separated by commas, as in hooks.contoso.com, *.contoso.net",
    )
    callback_audience: str | None = Field(
        default=None,
        pattern=r"^[0-9A-Fa-f-]{36}$",
        description="the immutable resource ID of the ACS resource, a GUID",
    )
    event_source: str | None = Field(
        default=None,
        pattern=_ACS_RESOURCE_PATTERN,
        description="the ACS resource's ID, as in /subscriptions/…/resourceGroups/…/providers/Microsoft.Communication/"
        "communicationServices/…",
    )
    callback_issuer: str = Field(default=_AUTOMATION, pattern=_AUTOMATION_PATTERN, description=_AUTOMATION_ADDRESS)
    callback_openid_url: str = Field(
        default=f"{_AUTOMATION}/calling/.well-known/acsopenidconfiguration",
        pattern=_AUTOMATION_PATTERN,
        description=_AUTOMATION_ADDRESS,
    )
    announce_topic_endpoint: str | None = Field(default=None, pattern=TOPIC_ENDPOINT, description=TOPIC_ENDPOINT_RULE)
    announce_topic_key: str | None = Field(default=None, repr=False)

    require_consent: bool = Field(default=False, description="true or false")
    auto_record: str = "off"

    acs_local_gateway: str | None = Field(
        default=None, pattern=r"^(127\.0\.0\.1|localhost):\d{1,5}$", description="127.0.0.1 and a port"
    )
    acs_local_ca: Path | None = None
    azure_functions_environment: str = "Production"
    sign_in_replaces_key: bool = Field(default=False, description="true or false")
    # The platform sets this variable if App Service's built-in authentication is on.
    website_auth_enabled: bool = Field(default=False, description="true or false, as the platform sets it")

    @field_validator(
        "announce_topic_endpoint",
        "announce_topic_key",
        "host_account",
        "host_blob_uri",
        "host_queue_uri",
        "host_table_uri",
        "archive_account",
        "archive_blob_uri",
        "event_source",
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: Any) -> Any:
        """Templates set these to an empty string if they have no value, which the host also treats as unset."""
        return value or None

    @field_validator("archive_delete_after_days", mode="before")
    @classmethod
    def _empty_is_never(cls, value: Any) -> Any:
        return value or 0
