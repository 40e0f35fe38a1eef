"""Storage accounts as configured in the settings: by connection string, or by identity and service URIs."""

import base64

from pydantic import BaseModel, ConfigDict, Field


class StorageAccount(BaseModel):
    """How to connect to a storage account: by connection string, or by identity and service URIs."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    connection_string: str | None = Field(default=None, repr=False)
    blob_uri: str | None = None
    queue_uri: str | None = None
    table_uri: str | None = None
    client_id: str | None = None


def parts_of(connection_string: str) -> dict[str, str]:
    """The values of a connection string, by lower-case name."""
    pairs = (part.partition("=") for part in connection_string.split(";") if part.strip())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except ValueError:
        return False


def service_uri(account: str | None, service: str) -> str | None:
    return f"https://{account}.{service}.core.windows.net" if account else None
