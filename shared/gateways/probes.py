"""Tests access to queues, tables and containers with a real write and a delete, for the doctor.

A table that can only be read isn't reported as a fault, because operators have no more access.

If the doctor is killed in between, what it wrote does no harm: the message stays hidden until it expires, the table row
is in a partition that is never read, and the blob is in a folder of its own.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from shared.domain.random_source import RandomSource
from shared.errors import DestinationForbidden
from shared.gateways.clients import Clients
from shared.gateways.faults import storage_faults
from shared.settings.settings import Settings

_HIDDEN = 300  # seconds
_PROBE = "doctor"  # the partition of rows, the folder of blobs, and the text of messages


class Account(Enum):
    """The storage account of a container."""

    HOST = auto()
    ARCHIVE = auto()


@dataclass(frozen=True, kw_only=True)
class Container:
    """Properties of a container."""

    is_public: bool
    is_immutable: bool


class Probes:
    """The doctor's probes. One instance per run."""

    def __init__(
        self,
        *,
        queues: QueueServiceClient,
        tables: TableServiceClient,
        host: BlobServiceClient,
        archive: BlobServiceClient,
        random_source: RandomSource,
    ) -> None:
        self._queues, self._tables, self._random_source = queues, tables, random_source
        self._blobs = {Account.HOST: host, Account.ARCHIVE: archive}

    @classmethod
    @contextlib.asynccontextmanager
    async def over(cls, clients: Clients, settings: Settings, random_source: RandomSource) -> AsyncIterator["Probes"]:
        async with clients.queues(settings.host_storage) as queues, clients.blobs(settings.host_storage) as host:
            yield cls(
                queues=queues, tables=clients.tables, host=host, archive=clients.archive, random_source=random_source
            )

    async def queue(self, name: str) -> None:
        """Sends a hidden message and deletes it."""
        with storage_faults(f"writing to the queue {name}"):
            queue = self._queues.get_queue_client(name)
            # It expires when it would become visible, so no function processes it as a job.
            sent = await queue.send_message(_PROBE, visibility_timeout=_HIDDEN, time_to_live=_HIDDEN + 1)
            await queue.delete_message(sent.id, sent.pop_receipt)

    async def table(self, name: str) -> bool:
        """Writes a row and deletes it. If that is forbidden, reads. Returns whether the table can be written."""
        row = {"PartitionKey": _PROBE, "RowKey": self._random_source.new_id().hex}
        table = self._tables.get_table_client(name)
        try:
            with storage_faults(f"writing to the table {name}"):
                await table.create_entity(row)
                await table.delete_entity(row["PartitionKey"], row["RowKey"])
        except DestinationForbidden:
            with storage_faults(f"reading the table {name}"):
                async for _ in table.query_entities(f"PartitionKey eq '{_PROBE}'", results_per_page=1):
                    break
            return False
        return True

    async def container(self, account: Account, name: str) -> Container:
        """Writes a small file and deletes it. In an immutable container, stages only a block and never commits it."""
        with storage_faults(f"writing to the container {name}"):
            container = self._blobs[account].get_container_client(name)
            found: Any = await container.get_container_properties()
            immutable = bool(
                found.has_immutability_policy
                or found.has_legal_hold
                or getattr(found, "immutable_storage_with_versioning_enabled", False)
            )
            blob = container.get_blob_client(f"{_PROBE}/{self._random_source.new_id().hex}")
            if immutable:
                await blob.stage_block(self._random_source.new_id().hex, _PROBE.encode())
            else:
                await blob.upload_blob(_PROBE.encode())
                await blob.delete_blob()
        return Container(is_public=bool(found.public_access), is_immutable=immutable)

    async def time(self, container: str) -> datetime | None:
        """The time according to the archive's account, from the Date header. Refusals have this header, too."""
        dates: list[str] = []

        def note(answer: Any) -> None:
            dates.append(answer.http_response.headers.get("Date", ""))

        with storage_faults("reading the time of the storage account"), contextlib.suppress(HttpResponseError):
            archive = self._blobs[Account.ARCHIVE].get_container_client(container)
            await archive.get_container_properties(raw_response_hook=note)
        date = next(filter(None, reversed(dates)), None)
        return None if date is None else parsedate_to_datetime(date)
