"""App settings, read from the environment and validated once at start: the rules between them, and derived values.

An invalid or missing setting stops the app with one message that names each such setting and how to fix it. The message
never contains a setting's value, because a value may be a key.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Self

from pydantic import ValidationError, model_validator

from shared.contracts.auto_record import AutoRecordRule, read_rules
from shared.errors import SettingsError
from shared.settings.accounts import StorageAccount, is_base64, parts_of, service_uri
from shared.settings.variables import Environment

_UNRESOLVED = (
    "contains a Key Vault reference that wasn't resolved: give the app's identity the role Key Vault Secrets User on "
    "the vault, let the app reach the vault over the network, check the secret's name, and restart the app; outside "
    "the app, set the environment variable to the secret itself"
)
_REFERENCES = ("@microsoft.keyvault(", "@microsoft.appconfiguration(")


class Settings(Environment):
    """The settings of one process, with the rules between them checked."""

    @model_validator(mode="before")
    @classmethod
    def _references_are_resolved(cls, values: Any) -> Any:
        """The platform passes a reference that it can't resolve to the app as text, which anyone could guess."""
        given = values.items() if isinstance(values, dict) else ()
        names = [name for name, value in given if isinstance(value, str) and is_reference(value)]
        if names:
            known = {name.lower(): name.upper() if name in cls.model_fields else name for name in names}
            raise ValueError(f"{', '.join(sorted(known.values()))}: {_UNRESOLVED}")
        return values

    @model_validator(mode="after")
    def _acs_is_named_once(self) -> Self:
        if bool(self.acs_connection_string) == bool(self.acs_endpoint):
            raise ValueError(
                "ACS_CONNECTION_STRING, ACS_ENDPOINT: set exactly one (ACS_ENDPOINT uses a managed identity)"
            )
        if self.acs_connection_string:
            parts = parts_of(self.acs_connection_string)
            if not (parts.get("endpoint", "").startswith("https://") and is_base64(parts.get("accesskey", ""))):
                raise ValueError(
                    "ACS_CONNECTION_STRING: must have the form endpoint=https://<resource>/;accesskey=<base64 key>"
                )
        return self

    @model_validator(mode="after")
    def _a_block_fits_the_budget(self) -> Self:
        if self.memory_budget_mib < self.block_size_mib:
            raise ValueError(
                "MEMORY_BUDGET_MIB: must be at least BLOCK_SIZE_MIB, because copying needs at least one block"
            )
        return self

    @model_validator(mode="after")
    def _connection_strings_are_valid(self) -> Self:
        for name, given in (
            ("AzureWebJobsStorage", self.host_connection),
            ("ARCHIVE_STORAGE", self.archive_connection),
        ):
            parts = parts_of(given or "")
            with_key = "accountname" in parts and is_base64(parts.get("accountkey", ""))
            if given and not (with_key or "sharedaccesssignature" in parts or "usedevelopmentstorage" in parts):
                raise ValueError(f"{name}: must be a storage account's connection string, as the Azure portal shows it")
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

    @model_validator(mode="after")
    def _topic_key_has_its_topic(self) -> Self:
        if self.announce_topic_key and not self.announce_topic_endpoint:
            raise ValueError("ANNOUNCE_TOPIC_KEY: requires ANNOUNCE_TOPIC_ENDPOINT; set that too, or remove the key")
        return self

    @model_validator(mode="after")
    def _local_gateway_stays_local(self) -> Self:
        if self.acs_local_gateway is None:
            return self
        if self.azure_functions_environment != "Development":
            raise ValueError("ACS_LOCAL_GATEWAY: is for local development only; remove the setting")
        if self.acs_local_ca is None or not self.acs_local_ca.is_file():
            raise ValueError(
                "ACS_LOCAL_CA: must be the path of the simulator's CA certificate if ACS_LOCAL_GATEWAY is set"
            )
        if self.acs_endpoint or (self.announce_topic_endpoint and not self.announce_topic_key):
            raise ValueError(
                "ACS_LOCAL_GATEWAY: Callvault never sends an identity's token to the simulator; set "
                "ACS_CONNECTION_STRING instead of ACS_ENDPOINT, and ANNOUNCE_TOPIC_KEY with ANNOUNCE_TOPIC_ENDPOINT"
            )
        return self

    @model_validator(mode="after")
    def _rules_are_valid(self) -> Self:
        for rule in self.auto_record_rules:
            if not rule.can_be_met(callbacks=self.callback_audience is not None):
                raise ValueError(
                    "AUTO_RECORD: a rule for CallConnected only requires CALLBACK_AUDIENCE: set that setting"
                )
        return self

    @property
    def auto_record_rules(self) -> tuple[AutoRecordRule, ...]:
        """The rules of automatic recording. The first rule that matches a call applies."""
        return read_rules(self.auto_record)

    @property
    def callback_hosts(self) -> frozenset[str]:
        """The hosts allowed in a caller's `stateCallbackUrl`; `*.` matches any subdomain. Empty: any host."""
        return frozenset(name.strip().lower() for name in self.state_callback_hosts.split(",") if name.strip())

    @property
    def signs_in(self) -> bool:
        """Whether signing in replaces the function key: only if the platform confirms that sign-in is on."""
        return self.sign_in_replaces_key and self.website_auth_enabled

    @property
    def retention(self) -> timedelta:
        """How long ACS keeps a finished file after its event."""
        return timedelta(hours=self.retention_hours)

    @property
    def lease(self) -> timedelta:
        """How long a worker owns a chunk without renewing the lease."""
        return timedelta(seconds=self.lease_seconds)

    @property
    def sweep_grace(self) -> timedelta:
        """How long a chunk may make no progress after its due time before the sweep queues it again."""
        return timedelta(seconds=self.sweep_grace_seconds)

    @property
    def files_awaited(self) -> timedelta:
        """How long after a recording's end ACS may take to report its files."""
        return timedelta(minutes=self.files_awaited_minutes)

    @property
    def link_life(self) -> timedelta:
        """How long a link to an archived file is valid."""
        return timedelta(minutes=self.link_minutes)

    @property
    def archive_life(self) -> timedelta | None:
        """The age at which the archive's lifecycle rule deletes a file; None if there is no such rule."""
        return timedelta(days=self.archive_delete_after_days) if self.archive_delete_after_days else None

    @property
    def worklist_shards(self) -> str:
        """The worklist's partitions, which share its load: the first hexadecimal digits of keys."""
        return "0123456789abcdef"

    @property
    def block_size(self) -> int:
        """Bytes in one block, and in one range requested from the source."""
        return self.block_size_mib * 1024 * 1024

    @property
    def blocks_in_memory(self) -> int:
        """How many blocks all copies in one process may hold in memory together."""
        return self.memory_budget_mib // self.block_size_mib

    @property
    def poison_queue(self) -> str:
        """The host moves a message that failed too often to this queue, named by the host's convention."""
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
        """The containers in the archive's account."""
        return (self.archive_container, self.quarantine_container)

    @property
    def host_containers(self) -> tuple[str, ...]:
        """The containers in the account with queues and tables. Event Grid writes dead letters here."""
        return (self.deadletter_container,)

    @property
    def host_storage(self) -> StorageAccount:
        """The account of the queues and tables."""
        return StorageAccount(
            connection_string=self.host_connection,
            blob_uri=self.host_blob_uri or service_uri(self.host_account, "blob"),
            queue_uri=self.host_queue_uri or service_uri(self.host_account, "queue"),
            table_uri=self.host_table_uri or service_uri(self.host_account, "table"),
            client_id=self.host_client_id or self.azure_client_id,
        )

    @property
    def archive_storage(self) -> StorageAccount:
        """The account of the archive and the quarantine: their own account if one is set, else the host's."""
        uri = self.archive_blob_uri or service_uri(self.archive_account, "blob")
        if not (self.archive_connection or uri):
            return self.host_storage
        return StorageAccount(
            connection_string=self.archive_connection,
            blob_uri=uri,
            client_id=self.archive_client_id or self.azure_client_id,
        )


def is_reference(value: str) -> bool:
    """Whether a setting's value is an unresolved reference to a vault."""
    return value.strip().lower().startswith(_REFERENCES)


# The rule of each setting, by the name in pydantic's error: the alias if the setting has one.
_RULES = {
    str(field.validation_alias or name): f"{field.validation_alias or name.upper()}: must be {field.description}"
    for name, field in Settings.model_fields.items()
}


def load_settings(**overrides: Any) -> Settings:
    """This process's settings. Raises SettingsError, which names each invalid setting without its value."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        findings = tuple(_findings(error))
        raise SettingsError(f"Callvault cannot start: {'; '.join(findings)}.", findings) from None


def _findings(error: ValidationError) -> Iterable[str]:
    for item in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(item["loc"][0]) if item["loc"] else ""
        if name not in _RULES:
            yield item["msg"].removeprefix("Value error, ")
        else:
            yield _RULES[name]
