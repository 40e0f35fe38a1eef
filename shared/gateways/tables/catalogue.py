"""The catalogue: recordings and their chunks in Table Storage. Each recording is one partition.

1. A chunk is inserted once, however many events name it.
2. Every later write of a chunk is conditional on the version that its writer read (ETag), so a worker whose lease was
   taken over changes nothing.
3. A recording's row is only merged. Each writer sets only its own properties, so the order of writes doesn't matter.
"""

from collections.abc import AsyncIterator
from http import HTTPStatus
from itertools import batched
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.data.tables import TableTransactionError, UpdateMode
from azure.data.tables.aio import TableServiceClient

from shared.domain.random_source import RandomSource
from shared.domain.records import AuditEntry, Chunk, Recording
from shared.domain.work_item import WorkItem
from shared.errors import DestinationUnavailable, LeaseLost, UnreadableRow
from shared.gateways.faults import is_absent, storage_faults
from shared.gateways.tables.audit import audit_entity
from shared.gateways.tables.entities import (
    CHUNK_ROWS,
    RECORDING_ROW,
    WithChunks,
    chunk_entity,
    recording_entity,
    recording_of,
    to_chunk,
    to_recording,
)
from shared.gateways.tables.retries import REPEATED

_TRANSACTION = 99  # chunks per transaction; Table Storage allows 100 rows, and one is the recording's
_MOVE = "moveToken"  # the property that holds the token of the latest conditional write of a recording
_INSERT_ROUNDS = 5  # a round fails only if another process inserts the same chunks at the same time


class Catalogue:
    """All recordings and chunks."""

    def __init__(self, tables: TableServiceClient, table_name: str, random_source: RandomSource) -> None:
        self._table, self._random_source = tables.get_table_client(table_name), random_source

    async def add_chunks(
        self, recording: Recording, chunks: tuple[Chunk, ...], known: Recording | None
    ) -> tuple[Chunk, ...] | None:
        """Merges the recording and inserts the chunks that don't exist yet. Returns all of them as they are now.

        `known` is the recording as it was read, or None if it didn't exist. If another process wrote it since then, and
        there is something to add to it, nothing is written and the result is None. The caller must read it again,
        because values that are set already must not change.
        """
        current: list[Chunk] = []
        for some in batched(chunks, _TRANSACTION, strict=False):
            inserted = await self._insert(recording, some, known)
            if inserted is None:
                return None
            current += inserted
            known = recording  # the recording is merged: later batches only insert chunks
        return tuple(current)

    async def _insert(
        self, recording: Recording, chunks: tuple[Chunk, ...], read: Recording | None
    ) -> list[Chunk] | None:
        known: dict[str, Chunk] = {}
        for _ in range(_INSERT_ROUNDS):
            new = [chunk for chunk in chunks if chunk.chunk_key not in known]
            operations: list[Any] = [("create", chunk_entity(chunk)) for chunk in new]
            operations.append(_adding(recording, read))
            with storage_faults("adding chunks to the catalogue"):
                try:
                    # Usually this is the first delivery, so insert first, and read only after a conflict. If the SDK
                    # retried after a lost answer, the chunks are found as pending, and their jobs are queued.
                    await self._table.submit_transaction(operations, **REPEATED)
                except TableTransactionError as error:
                    if error.status_code == HTTPStatus.PRECONDITION_FAILED:
                        return None
                    if error.status_code != HTTPStatus.CONFLICT:
                        raise
                else:
                    return [known.get(chunk.chunk_key, chunk) for chunk in chunks]
            found, existing = await self.recording(recording.recording_key)
            if read is None and found is not None and found.etag is not None:
                return None
            known = {chunk.chunk_key: chunk for chunk in existing}
            # An unreadable row of one chunk must not stop the insertion of the others.
            chunks = tuple(
                chunk for chunk in chunks if found is None or CHUNK_ROWS + chunk.chunk_key not in found.unreadable
            )
        raise DestinationUnavailable.contended("the recording in the catalogue")

    async def merge(self, recording: Recording, *entries: AuditEntry) -> None:
        """Writes the properties of the recording that are set, and leaves the others unchanged.

        Audit entries about the change are written in the same transaction.
        """
        key = recording.recording_key
        operations: list[tuple[str, dict[str, object]]] = [("upsert", recording_entity(recording))]
        operations += [("create", audit_entity(key, entry, self._random_source)) for entry in entries]
        with storage_faults("writing a recording to the catalogue"):
            try:
                await self._table.submit_transaction(operations, **REPEATED)
            except TableTransactionError as error:
                # Only an audit row can exist already. Either the SDK retried this call after a lost answer, or another
                # process wrote the same entry under the same mark.
                if error.status_code != HTTPStatus.CONFLICT:
                    raise

    async def move(self, recording: Recording, *entries: AuditEntry) -> bool:
        """Like `merge`, but writes nothing and returns False if another process wrote the recording since it was read.

        A recording without an ETag had no row. If the SDK retries a write whose answer was lost, the retry is refused
        because of the first try. The token in the row then shows that the write was our own.
        """
        token = self._random_source.new_id().hex
        key, entity = recording.recording_key, {**recording_entity(recording), _MOVE: token}
        condition = {"etag": recording.etag, "match_condition": MatchConditions.IfNotModified}
        operations: list[Any] = [("update", entity, condition) if recording.etag else ("create", entity)]
        operations += [("create", audit_entity(key, entry, self._random_source)) for entry in entries]
        with storage_faults("writing a recording to the catalogue"):
            try:
                await self._table.submit_transaction(operations, **REPEATED)
            except TableTransactionError as error:
                if error.status_code not in (HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED):
                    raise
                return await self._moved_by(token, key)
        return True

    async def _moved_by(self, token: str, recording_key: str) -> bool:
        try:
            row = await self._table.get_entity(recording_key, RECORDING_ROW, select=[_MOVE])
        except ResourceNotFoundError as error:
            if not is_absent(error):
                raise
            return False
        return bool(row.get(_MOVE) == token)

    async def ledger(self, recording_key: str) -> Recording | None:
        """A recording without its chunks."""
        with storage_faults("reading a recording from the catalogue"):
            try:
                return to_recording(await self._table.get_entity(recording_key, RECORDING_ROW))
            except ResourceNotFoundError as error:
                if not is_absent(error):
                    raise
                return None

    async def chunk(self, recording_key: str, chunk_key: str) -> Chunk | None:
        with storage_faults("reading a chunk from the catalogue"):
            try:
                return to_chunk(await self._table.get_entity(recording_key, CHUNK_ROWS + chunk_key))
            except ResourceNotFoundError as error:
                if not is_absent(error):
                    raise
                return None

    async def chunk_of(self, item: WorkItem) -> Chunk | UnreadableRow | None:
        """The chunk of a worklist row, for a reader of many rows: an unreadable row must not hide the others."""
        try:
            return await self.chunk(item.recording_key, item.chunk_key or "")
        except UnreadableRow as error:
            return error

    async def recording(self, recording_key: str) -> WithChunks[Recording | None]:
        """A recording and its chunks.

        Rows that this version can't read are left out, and their keys are in the recording's `unreadable`.
        """
        with storage_faults("reading a recording from the catalogue"):
            # Audit rows sort before chunk rows, so this filter leaves them out.
            rows = self._table.query_entities(
                "PartitionKey eq @key and RowKey ge @first", parameters={"key": recording_key, "first": CHUNK_ROWS}
            )
            return recording_of(recording_key, [row async for row in rows])

    async def everything(self) -> AsyncIterator[WithChunks[Recording]]:
        """Every recording with its chunks, as in `recording`. Scans the whole table: for maintenance only."""
        recording_key, rows = "", list[Any]()
        with storage_faults("reading the catalogue"):
            async for row in self._table.query_entities("RowKey ge @first", parameters={"first": CHUNK_ROWS}):
                if row["PartitionKey"] != recording_key:
                    recording_key, rows = row["PartitionKey"], []
                rows.append(row)
                if row["RowKey"] == RECORDING_ROW:  # sorts after the recording's chunks
                    recording, chunks = recording_of(recording_key, rows)
                    if recording is not None:
                        yield WithChunks(recording, chunks)

    async def replace(self, chunk: Chunk) -> Chunk:
        """Writes a chunk if its row still has the version that was read. Returns the chunk with its new ETag.

        Raises LeaseLost if another process wrote the row since then. That write stays.
        """
        if chunk.etag is None:
            raise ValueError("only a chunk that was read from the catalogue can be replaced")
        with storage_faults("writing a chunk to the catalogue"):
            try:
                written = await self._table.update_entity(
                    chunk_entity(chunk),
                    mode=UpdateMode.REPLACE,
                    etag=chunk.etag,
                    match_condition=MatchConditions.IfNotModified,
                )
            except HttpResponseError as error:
                if error.status_code != HTTPStatus.PRECONDITION_FAILED:
                    raise
            else:
                return chunk.evolve(etag=written["etag"])
        # If the SDK retried a write whose answer was lost, the row has our own first write.
        current = await self.chunk(chunk.recording_key, chunk.chunk_key)
        if current == chunk:
            return current
        raise LeaseLost("another process wrote this chunk meanwhile")


def _adding(recording: Recording, read: Recording | None) -> Any:
    """The operation that adds to a recording, conditional on the version that was read.

    If there is nothing to add, it is unconditional, so that concurrent events of one recording don't fail each other.
    """
    entity = recording_entity(recording)
    if read is None:
        return "create", entity
    if entity.items() <= recording_entity(read).items():
        return "upsert", entity
    return "update", entity, {"etag": read.etag, "match_condition": MatchConditions.IfNotModified}
