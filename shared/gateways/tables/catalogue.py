"""The catalogue: recordings and their chunks in Table Storage, a recording's rows in one partition.

Three guarantees carry the promise. A chunk is inserted once, whatever the number of events that announce it. Every
later write of a chunk is conditional on the version that its writer read (ETag), so a worker that was overtaken can
change nothing. A recording's row is only ever merged, each writer into its own properties, so order doesn't matter.
"""

import uuid
from collections.abc import AsyncIterator
from http import HTTPStatus
from itertools import batched
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.data.tables import TableTransactionError, UpdateMode
from azure.data.tables.aio import TableServiceClient

from shared.domain.records import AuditEntry, Chunk, Recording
from shared.errors import DestinationUnavailable, LeaseLost
from shared.gateways.faults import is_absent, storage_faults
from shared.gateways.tables.audit import audit_entity
from shared.gateways.tables.entities import (
    CHUNK_ROWS,
    RECORDING_ROW,
    chunk_entity,
    recording_entity,
    recording_of,
    to_chunk,
    to_recording,
)
from shared.gateways.tables.retries import REPEATED

_TRANSACTION = 99  # chunks in one; Table Storage takes a hundred rows, and the recording's is one
_MOVE = "moveToken"  # the property that holds the token of the latest conditional write of a recording
_INSERT_ROUNDS = 5  # each is lost only to another delivery of the same event, at the same moment


class Catalogue:
    """What is known of every recording and chunk."""

    def __init__(self, tables: TableServiceClient, table_name: str) -> None:
        self._table = tables.get_table_client(table_name)

    async def announce(
        self, recording: Recording, chunks: tuple[Chunk, ...], known: Recording | None
    ) -> tuple[Chunk, ...] | None:
        """Merges the recording and inserts those chunks that aren't there; gives all of them as they are now.

        `known` is the recording as it was read; None if there was none. If another wrote it since, and there is
        anything to add to it, nothing is written and the answer is None: read it again, since its first values stay.
        """
        standing: list[Chunk] = []
        for some in batched(chunks, _TRANSACTION, strict=False):
            inserted = await self._insert(recording, some, known)
            if inserted is None:
                return None
            standing += inserted
            known = recording  # what there was to add is added
        return tuple(standing)

    async def _insert(
        self, recording: Recording, chunks: tuple[Chunk, ...], read: Recording | None
    ) -> list[Chunk] | None:
        known: dict[str, Chunk] = {}
        for _ in range(_INSERT_ROUNDS):
            fresh = [chunk for chunk in chunks if chunk.chunk_key not in known]
            operations: list[Any] = [("create", chunk_entity(chunk)) for chunk in fresh]
            operations.append(_adding(recording, read))
            with storage_faults("announcing chunks in the catalogue"):
                try:
                    # The common case is a first delivery: insert, and look only when something is there already.
                    # A repeat after a lost answer finds the chunks there: pending, so their jobs are queued.
                    await self._table.submit_transaction(operations, **REPEATED)
                except TableTransactionError as error:
                    if error.status_code == HTTPStatus.PRECONDITION_FAILED:
                        return None
                    if error.status_code != HTTPStatus.CONFLICT:
                        raise
                else:
                    return [known.get(chunk.chunk_key, chunk) for chunk in chunks]
            found, standing = await self.recording(recording.recording_key)
            if read is None and found is not None and found.etag is not None:
                return None
            known = {chunk.chunk_key: chunk for chunk in standing}
            # A row that this version can't read keeps none of the others from being inserted.
            chunks = tuple(
                chunk for chunk in chunks if found is None or CHUNK_ROWS + chunk.chunk_key not in found.unreadable
            )
        raise DestinationUnavailable("announcing chunks in the catalogue: other deliveries were faster each time")

    async def merge(self, recording: Recording, *entries: AuditEntry) -> None:
        """Writes those properties of the recording that are set, and leaves the others as they are.

        Audit entries that tell of the change are written with it, or neither is.
        """
        key = recording.recording_key
        operations: list[tuple[str, dict[str, object]]] = [("upsert", recording_entity(recording))]
        operations += [("create", audit_entity(key, entry)) for entry in entries]
        with storage_faults("writing a recording to the catalogue"):
            try:
                await self._table.submit_transaction(operations, **REPEATED)
            except TableTransactionError as error:
                # Only an audit row can be there already: from this very call, whose answer got lost so that the SDK
                # repeated it, or from another process that told the same under the same mark.
                if error.status_code != HTTPStatus.CONFLICT:
                    raise

    async def move(self, recording: Recording, *entries: AuditEntry) -> bool:
        """As `merge`, unless another wrote the recording since it was read: then nothing is written, and it is False.

        A recording without an ETag is one that had no row. The SDK repeats a write whose answer was lost, and the
        repeat is refused because of the first: the row's token shows whose write it was.
        """
        token = uuid.uuid4().hex
        key, entity = recording.recording_key, {**recording_entity(recording), _MOVE: token}
        condition = {"etag": recording.etag, "match_condition": MatchConditions.IfNotModified}
        operations: list[Any] = [("update", entity, condition) if recording.etag else ("create", entity)]
        operations += [("create", audit_entity(key, entry)) for entry in entries]
        with storage_faults("moving a recording in the catalogue"):
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
        """A recording's row alone."""
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

    async def recording(self, recording_key: str) -> tuple[Recording | None, tuple[Chunk, ...]]:
        """A recording's row, None when there is none, and its chunks, ordered by index.

        Rows that this version can't read are left out, and named in the recording's `unreadable`.
        """
        with storage_faults("reading a recording from the catalogue"):
            # Audit rows sort before the chunks': the service leaves them out.
            rows = self._table.query_entities(
                "PartitionKey eq @key and RowKey ge @first", parameters={"key": recording_key, "first": CHUNK_ROWS}
            )
            return recording_of(recording_key, [row async for row in rows])

    async def everything(self) -> AsyncIterator[tuple[Recording, tuple[Chunk, ...]]]:
        """Every recording with its chunks: a scan, for maintenance. Rows that can't be read are named, as above."""
        recording_key, rows = "", list[Any]()
        with storage_faults("reading the catalogue"):
            async for row in self._table.query_entities("RowKey ge @first", parameters={"first": CHUNK_ROWS}):
                if row["PartitionKey"] != recording_key:
                    recording_key, rows = row["PartitionKey"], []
                rows.append(row)
                if row["RowKey"] == RECORDING_ROW:  # sorts after its chunks
                    recording, chunks = recording_of(recording_key, rows)
                    if recording is not None:
                        yield recording, chunks

    async def replace(self, chunk: Chunk) -> Chunk:
        """Writes a chunk over the version it was made from, and gives it with its new ETag.

        Raises LeaseLost when another writer was there in between: whatever it wrote stands.
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
        # The SDK repeats a write whose answer got lost; the repeat then meets our own first write.
        standing = await self.chunk(chunk.recording_key, chunk.chunk_key)
        if standing == chunk:
            return standing
        raise LeaseLost("another worker wrote this chunk in between")


def _adding(recording: Recording, read: Recording | None) -> Any:
    """The operation that writes what is to be added to a recording, on condition that it is still as it was read.

    Where there is nothing to add, many events of one recording needn't wait for one another.
    """
    entity = recording_entity(recording)
    if read is None:
        return "create", entity
    if entity.items() <= recording_entity(read).items():
        return "upsert", entity
    return "update", entity, {"etag": read.etag, "match_condition": MatchConditions.IfNotModified}
