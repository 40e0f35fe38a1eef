"""App settings, read from the environment once at start and checked there.

A wrong or missing setting stops the app with one sentence that names each culprit and its mend. That sentence never
holds a setting's value, since a value may be a key.
"""

import base64
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.contracts.rules import AutoRecordRule, read_rules
from shared.digests import ChecksumKind
from shared.errors import SettingsError

_RESOURCE_NAME = r"^[a-z0-9](?:-?[a-z0-9]){2,62}$"  # what Azure allows for queues and containers
_RESOURCE = "3 to 63 lower-case letters, digits and single hyphens"
_TABLE = "3 to 63 letters and digits, a letter first"
_AUTOMATION = "https://acscallautomation.communication.azure.com"
# Keys from elsewhere would let whoever publishes them sign callbacks.
_AUTOMATION_PATTERN = r"^https://([A-Za-z0-9-]+\.)+communication\.azure\.(com|us)(/[A-Za-z0-9._/-]*)?$"
_AUTOMATION_ADDRESS = "an https address below communication.azure.com or communication.azure.us"

ResourceName = Annotated[str, StringConstraints(pattern=_RESOURCE_NAME)]
TableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9]{2,62}$")]


class StorageAccount(BaseModel):
    """How to reach a storage account: by connection string, or by identity at its service URIs."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    connection_string: str | None = Field(default=None, repr=False)
    blob_uri: str | None = None
    queue_uri: str | None = None
    table_uri: str | None = None
    client_id: str | None = None


class Settings(BaseSettings):
    """Everything the product can be told. Sizes and times carry their unit in their name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False, hide_input_in_errors=True)

    acs_connection_string: str | None = Field(default=None, repr=False)
    acs_endpoint: str | None = Field(
        default=None,
        pattern=r"^https://[A-Za-z0-9.-]+/?$",
        description="the resource's address, as in https://contoso.communication.azure.com",
    )
    azure_client_id: str | None = None

    host_connection: str | None = Field(default=None, repr=False, validation_alias="AzureWebJobsStorage")
    host_account: str | None = Field(default=None, validation_alias="AzureWebJobsStorage__accountName")
    host_blob_uri: str | None = Field(default=None, validation_alias="AzureWebJobsStorage__blobServiceUri")
    host_queue_uri: str | None = Field(default=None, validation_alias="AzureWebJobsStorage__queueServiceUri")
    host_table_uri: str | None = Field(default=None, validation_alias="AzureWebJobsStorage__tableServiceUri")
    host_client_id: str | None = Field(default=None, validation_alias="AzureWebJobsStorage__clientId")

    archive_connection: str | None = Field(default=None, repr=False, validation_alias="ARCHIVE_STORAGE")
    archive_account: str | None = Field(default=None, validation_alias="ARCHIVE_STORAGE__accountName")
    archive_blob_uri: str | None = Field(default=None, validation_alias="ARCHIVE_STORAGE__blobServiceUri")
    archive_client_id: str | None = Field(default=None, validation_alias="ARCHIVE_STORAGE__clientId")

    retention_hours: float = Field(default=24, gt=0, le=48, description="hours, more than 0 and at most 48")
    delete_source: bool = Field(default=True, description="true or false")
    block_size_mib: int = Field(default=8, ge=1, le=100, description="a whole number of MiB from 1 to 100")
    block_checksum: ChecksumKind = Field(default=ChecksumKind.CRC64, description="crc64 or md5")
    memory_budget_mib: int = Field(default=192, ge=1, le=65536, description="a whole number of MiB, at least a block")
    ranges_in_flight: int = Field(default=4, ge=1, le=32, description="a whole number from 1 to 32")
    lease_seconds: float = Field(default=60, ge=1, le=600, description="seconds from 1 to 600")
    max_attempts: int = Field(default=50, ge=1, le=1000, description="a whole number from 1 to 1000")
    sweep_grace_seconds: float = Field(default=300, ge=1, le=3600, description="seconds from 1 to 3600")
    files_awaited_minutes: float = Field(default=120, gt=0, le=2880, description="minutes, more than 0, at most 2880")
    retry_base_seconds: float = Field(default=10, gt=0, le=600, description="seconds, more than 0 and at most 600")

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
        description="this app's own address for callbacks, as in https://<app>.azurewebsites.net/api/callbacks",
    )
    callback_audience: str | None = Field(
        default=None,
        pattern=r"^[0-9A-Fa-f-]{36}$",
        description="the immutable resource id of the ACS resource, a GUID",
    )
    callback_issuer: str = Field(default=_AUTOMATION, pattern=_AUTOMATION_PATTERN, description=_AUTOMATION_ADDRESS)
    callback_openid_url: str = Field(
        default=f"{_AUTOMATION}/calling/.well-known/acsopenidconfiguration",
        pattern=_AUTOMATION_PATTERN,
        description=_AUTOMATION_ADDRESS,
    )
    announce_topic_endpoint: str | None = Field(
        default=None,
        pattern=r"^https://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.eventgrid\.azure\.(net|us|cn)(/api/events)?/?$",
        description="an Event Grid topic's endpoint, as in https://<topic>.<region>.eventgrid.azure.net/api/events",
    )
    announce_topic_key: str | None = Field(default=None, repr=False)

    require_consent: bool = Field(default=False, description="true or false")
    auto_record: str = "off"

    acs_local_gateway: str | None = Field(
        default=None, pattern=r"^(127\.0\.0\.1|localhost):\d{1,5}$", description="127.0.0.1 and a port"
    )
    acs_local_ca: Path | None = None
    azure_functions_environment: str = "Production"
    sign_in_replaces_key: bool = Field(default=False, description="true or false")
    # Set by the platform, where App Service's built-in authentication is on.
    website_auth_enabled: bool = Field(default=False, description="true or false, as the platform sets it")

    @model_validator(mode="after")
    def _acs_is_named_once(self) -> Self:
        if bool(self.acs_connection_string) == bool(self.acs_endpoint):
            raise ValueError(
                "ACS_CONNECTION_STRING, ACS_ENDPOINT: set exactly one (ACS_ENDPOINT goes with a managed identity)"
            )
        if self.acs_connection_string:
            parts = _parts(self.acs_connection_string)
            if not (parts.get("endpoint", "").startswith("https://") and _is_base64(parts.get("accesskey", ""))):
                raise ValueError("ACS_CONNECTION_STRING: must read endpoint=https://<resource>/;accesskey=<base64 key>")
        return self

    @model_validator(mode="after")
    def _a_block_fits_the_budget(self) -> Self:
        if self.memory_budget_mib < self.block_size_mib:
            raise ValueError("MEMORY_BUDGET_MIB: must be at least BLOCK_SIZE_MIB, or no block could ever be copied")
        return self

    @model_validator(mode="after")
    def _connection_strings_can_be_read(self) -> Self:
        for name, given in (
            ("AzureWebJobsStorage", self.host_connection),
            ("ARCHIVE_STORAGE", self.archive_connection),
        ):
            parts = _parts(given or "")
            with_key = "accountname" in parts and _is_base64(parts.get("accountkey", ""))
            if given and not (with_key or "sharedaccesssignature" in parts or "usedevelopmentstorage" in parts):
                raise ValueError(f"{name}: must be a storage account's connection string, as the portal shows it")
        return self

    @model_validator(mode="after")
    def _storage_is_named(self) -> Self:
        uris = (self.host_blob_uri, self.host_queue_uri, self.host_table_uri)
        if not (self.host_connection or self.host_account or all(uris)):
            raise ValueError(
                "AzureWebJobsStorage: set a connection string, or AzureWebJobsStorage__accountName, or all of "
                "AzureWebJobsStorage__blobServiceUri, __queueServiceUri and __tableServiceUri"
            )
        return self

    @field_validator("announce_topic_endpoint", "announce_topic_key", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: Any) -> Any:
        """A template that was given no topic sets these to nothing."""
        return value or None

    @model_validator(mode="after")
    def _topic_key_has_its_topic(self) -> Self:
        if self.announce_topic_key and not self.announce_topic_endpoint:
            raise ValueError("ANNOUNCE_TOPIC_KEY: goes with ANNOUNCE_TOPIC_ENDPOINT, which isn't set")
        return self

    @model_validator(mode="after")
    def _local_gateway_stays_local(self) -> Self:
        if self.acs_local_gateway is None:
            return self
        if self.azure_functions_environment != "Development":
            raise ValueError("ACS_LOCAL_GATEWAY: is for local development only; remove it")
        if self.acs_local_ca is None or not self.acs_local_ca.is_file():
            raise ValueError("ACS_LOCAL_CA: must name the simulator's CA certificate when ACS_LOCAL_GATEWAY is set")
        return self

    @model_validator(mode="after")
    def _rules_can_be_read(self) -> Self:
        for rule in self.auto_record_rules:
            if not rule.can_be_met(callbacks=self.callback_audience is not None):
                raise ValueError("AUTO_RECORD: a rule on CallConnected alone needs CALLBACK_AUDIENCE: set it")
        return self

    @property
    def auto_record_rules(self) -> tuple[AutoRecordRule, ...]:
        """Which calls are recorded without being asked for; the first rule that a call meets counts."""
        return read_rules(self.auto_record)

    @property
    def signs_in(self) -> bool:
        """Whether signing in stands for the function key: never on our word alone, or nobody would watch the door."""
        return self.sign_in_replaces_key and self.website_auth_enabled

    @property
    def retention(self) -> timedelta:
        """How long ACS keeps a finished file, counted from its event."""
        return timedelta(hours=self.retention_hours)

    @property
    def lease(self) -> timedelta:
        """How long a worker owns a chunk without renewing."""
        return timedelta(seconds=self.lease_seconds)

    @property
    def sweep_grace(self) -> timedelta:
        """How long a chunk may be silent, past what it waits for, before the sweep queues it anew."""
        return timedelta(seconds=self.sweep_grace_seconds)

    @property
    def files_awaited(self) -> timedelta:
        """How long after its end a recording's files may take to be announced."""
        return timedelta(minutes=self.files_awaited_minutes)

    @property
    def link_life(self) -> timedelta:
        """How long a link to an archived file can be used."""
        return timedelta(minutes=self.link_minutes)

    @property
    def block_size(self) -> int:
        """Bytes in one block, and in one range asked of the source."""
        return self.block_size_mib * 1024 * 1024

    @property
    def blocks_in_memory(self) -> int:
        """How many blocks all copies of one process may hold together."""
        return self.memory_budget_mib // self.block_size_mib

    @property
    def poison_queue(self) -> str:
        """Where the Functions host puts a message that failed too often; the name is the host's convention."""
        return f"{self.chunks_queue}-poison"

    @property
    def tables(self) -> tuple[str, ...]:
        return (
            self.recordings_table,
            self.worklist_table,
            self.links_table,
            self.requests_table,
            self.calendar_table,
            self.participants_table,
        )

    @property
    def archive_containers(self) -> tuple[str, ...]:
        """Those of the archive's account."""
        return (self.archive_container, self.quarantine_container)

    @property
    def host_containers(self) -> tuple[str, ...]:
        """Those of the account with queues and tables. Event Grid writes to this one, and a replay empties it."""
        return (self.deadletter_container,)

    @property
    def host_storage(self) -> StorageAccount:
        """Queues and tables."""
        return StorageAccount(
            connection_string=self.host_connection,
            blob_uri=self.host_blob_uri or _service_uri(self.host_account, "blob"),
            queue_uri=self.host_queue_uri or _service_uri(self.host_account, "queue"),
            table_uri=self.host_table_uri or _service_uri(self.host_account, "table"),
            client_id=self.host_client_id or self.azure_client_id,
        )

    @property
    def archive_storage(self) -> StorageAccount:
        """The archive and the quarantine: their own account if one is named, else the host's."""
        uri = self.archive_blob_uri or _service_uri(self.archive_account, "blob")
        if not (self.archive_connection or uri):
            return self.host_storage
        return StorageAccount(
            connection_string=self.archive_connection,
            blob_uri=uri,
            client_id=self.archive_client_id or self.azure_client_id,
        )


def _parts(connection_string: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in connection_string.split(";") if part.strip())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except ValueError:
        return False


def _service_uri(account: str | None, service: str) -> str | None:
    return f"https://{account}.{service}.core.windows.net" if account else None


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process. Raises SettingsError with one sentence, free of values, naming what is wrong."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        findings = tuple(_findings(error))
        raise SettingsError(f"Callvault cannot start: {'; '.join(findings)}.", findings) from None


def _findings(error: ValidationError) -> Iterable[str]:
    for item in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(item["loc"][0]) if item["loc"] else ""
        field = Settings.model_fields.get(name)
        if field is None:
            yield item["msg"].removeprefix("Value error, ")
        else:
            yield f"{name.upper()}: must be {field.description}"
