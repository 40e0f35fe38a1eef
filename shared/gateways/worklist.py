"""The worklist: a row for every open chunk, ordered by deadline inside a fixed number of shards.

It is an index over the catalogue and nothing more: a row too many costs a look, and a row is taken away only after the
chunk is safe. It makes the cost of finding what is late follow what is open, not what was ever archived.
"""

from datetime import UTC

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableServiceClient

from shared.gateways.faults import storage_faults
from shared.records import Chunk

_SHARD_DIGITS = 1  # hexadecimal, of the chunk key: sixteen partitions share the load


class Worklist:
    """What isn't safe yet."""

    def __init__(self, tables: TableServiceClient, table_name: str) -> None:
        self._table = tables.get_table_client(table_name)

    async def add(self, chunk: Chunk) -> None:
        entity = {**_keys(chunk), "recordingKey": chunk.recording_key, "chunkKey": chunk.chunk_key}
        with storage_faults("adding a chunk to the worklist"):
            await self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)

    async def remove(self, chunk: Chunk) -> None:
        with storage_faults("taking a chunk off the worklist"):
            try:
                keys = _keys(chunk)
                await self._table.delete_entity(keys["PartitionKey"], keys["RowKey"])
            except ResourceNotFoundError:
                return


def _keys(chunk: Chunk) -> dict[str, str]:
    deadline = chunk.deadline.astimezone(UTC)
    return {
        "PartitionKey": chunk.chunk_key[:_SHARD_DIGITS],
        "RowKey": f"{deadline:%Y%m%dT%H%M%S}.{deadline.microsecond:06d}-{chunk.chunk_key}",
    }
