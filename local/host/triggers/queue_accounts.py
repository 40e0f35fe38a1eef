"""Queues, found by the connection names of the bindings.

A connection is a connection string in the setting of that name, or of that name after `AzureWebJobs`. Connections by
identity aren't supported: the local host's storage is Azurite. Message bodies are encoded and decoded here, as
host.json's messageEncoding says.
"""

import base64
import binascii
import contextlib
from dataclasses import dataclass, field
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from local.host.configuration.config import Settings
from local.host.errors import ConfigError

# Core Tools understands this value, the Python SDK doesn't. The account is the emulator's well-known one.
_EMULATOR = "UseDevelopmentStorage=true"
_EMULATOR_CONNECTION = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
)
# Short pauses, in seconds: Azurite either answers at once or isn't running.
_RETRY: dict[str, Any] = {"initial_backoff": 1, "increment_base": 2, "retry_total": 2}


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """host.json's messageEncoding."""

    is_base64: bool

    def encode(self, body: bytes) -> str:
        return base64.b64encode(body).decode() if self.is_base64 else body.decode()

    def decode(self, text: str) -> bytes:
        """Raises ValueError for text that isn't base64 although it should be."""
        if not self.is_base64:
            return text.encode()
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except binascii.Error as error:
            raise ValueError(str(error)) from error


def connection_string(settings: Settings, name: str) -> str | None:
    """The value of the setting, in a form that the SDK understands."""
    text = settings.get(name)
    return _EMULATOR_CONNECTION if text and text.strip(";") == _EMULATOR else text


@dataclass(kw_only=True)
class QueueAccounts:
    """The clients of all connections, each created once. `close` closes them."""

    settings: Settings
    _services: dict[str, QueueServiceClient] = field(default_factory=dict)

    def queue(self, connection: str, name: str) -> QueueClient:
        """Raises ConfigError when the settings have no such connection."""
        if connection not in self._services:
            self._services[connection] = self._service(connection)
        return self._services[connection].get_queue_client(name)

    async def close(self) -> None:
        for service in self._services.values():
            await service.close()

    def _service(self, connection: str) -> QueueServiceClient:
        for name in (f"AzureWebJobs{connection}", connection):
            if text := connection_string(self.settings, name):
                try:
                    return QueueServiceClient.from_connection_string(text, **_RETRY)
                except ValueError as error:
                    raise ConfigError(f"the setting {name} is not a storage connection string: {error}") from None
        raise ConfigError(f"there is no setting for the connection {connection}")


async def send_creating(queue: QueueClient, text: str) -> None:
    """Sends a message. Creates the queue if it doesn't exist, as the WebJobs SDK does for a poison queue."""
    try:
        await queue.send_message(text)
    except ResourceNotFoundError:
        with contextlib.suppress(ResourceExistsError):  # created by another listener meanwhile
            await queue.create_queue()
        await queue.send_message(text)
