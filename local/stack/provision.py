"""Creates the queues, tables and containers that the infrastructure code creates in Azure.

Existing ones aren't changed, so this can be repeated.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from azure.core.exceptions import ResourceExistsError
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from shared.settings.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Resources:
    queues: tuple[str, ...]
    tables: tuple[str, ...]
    containers: tuple[str, ...]

    @classmethod
    def named_by(cls, app_settings: Mapping[str, str]) -> Self:
        """The resources that the app needs with these app settings and the product's defaults."""
        given: dict[str, Any] = {name.lower(): value for name, value in app_settings.items()}
        # Not validated: the app reports invalid settings when it starts.
        settings = Settings.model_construct(**{name: given[name] for name in given if name in Settings.model_fields})
        return cls(
            queues=(settings.chunks_queue, settings.poison_queue),
            tables=settings.tables,
            containers=settings.archive_containers + settings.host_containers,
        )


async def provision(connection_string: str, resources: Resources) -> None:
    async with (
        QueueServiceClient.from_connection_string(connection_string) as queues,
        TableServiceClient.from_connection_string(connection_string) as tables,
        BlobServiceClient.from_connection_string(connection_string) as blobs,
        asyncio.TaskGroup() as group,
    ):
        for name in resources.queues:
            group.create_task(_create_queue(queues, name))
        for name in resources.tables:
            group.create_task(_create_table(tables, name))
        for name in resources.containers:
            group.create_task(_create_container(blobs, name))


async def _create_queue(service: QueueServiceClient, name: str) -> None:
    with contextlib.suppress(ResourceExistsError):
        await service.create_queue(name)


async def _create_table(service: TableServiceClient, name: str) -> None:
    await service.create_table_if_not_exists(name)


async def _create_container(service: BlobServiceClient, name: str) -> None:
    with contextlib.suppress(ResourceExistsError):
        await service.create_container(name)
