"""Links documents to recordings, and calls to their recordings, for events that don't name their recording.

Partition = the key of the serverCallId, callConnectionId or documentId. A document is linked once, and so is a
connection. The first link is kept: every later event finds the recording or call of the first event, whatever the later
event names.
"""

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableServiceClient

from shared.domain.keys import call_key, key_of
from shared.gateways.faults import is_absent, storage_faults
from shared.gateways.tables.retries import REPEATED

_DOCUMENT_ROW = "document"


class Links:
    """Finds recordings by document or call."""

    def __init__(self, tables: TableServiceClient, table_name: str) -> None:
        self._table = tables.get_table_client(table_name)

    async def link_call(self, server_call_id: str, recording_key: str) -> None:
        """Links a call, by its serverCallId or its callConnectionId, to one of its recordings."""
        entity = {"PartitionKey": _call(server_call_id), "RowKey": recording_key}
        with storage_faults("linking a call to its recording"):
            await self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)

    async def recordings_of_call(self, server_call_id: str) -> list[str]:
        """The keys of all known recordings of a call, given its serverCallId or callConnectionId."""
        with storage_faults("looking up a call's recordings"):
            rows = self._table.query_entities("PartitionKey eq @call", parameters={"call": _call(server_call_id)})
            return [row["RowKey"] async for row in rows]

    async def recording_of_call(self, server_call_id: str) -> str | None:
        """The key of the only known recording of a call. None if there is none, or more than one."""
        with storage_faults("looking up a call's recordings"):
            rows = self._table.query_entities(
                "PartitionKey eq @call", parameters={"call": _call(server_call_id)}, results_per_page=2
            )
            keys = [row["RowKey"] async for row in rows]
        return keys[0] if len(keys) == 1 else None

    async def link_connection(self, call_connection_id: str, server_call_id: str) -> str:
        """Links a connection to its call, unless it is linked already. Returns the serverCallId of the link.

        This is needed because ACS may answer the creation of a call with an empty serverCallId. A later callback never
        links a connection to another call, or recordings of the connection would be listed for the wrong call.
        """
        keys = _connection(call_connection_id)
        with storage_faults("linking a connection to its call"):
            try:
                await self._table.create_entity({**keys, "serverCallId": server_call_id}, **REPEATED)
            except ResourceExistsError:
                row = await self._table.get_entity(keys["PartitionKey"], keys["RowKey"])
                return str(row["serverCallId"])
        return server_call_id

    async def call_of_connection(self, call_connection_id: str) -> str | None:
        """The serverCallId of a connection. None before its CallConnected callback."""
        keys = _connection(call_connection_id)
        with storage_faults("looking up a connection's call"):
            try:
                row = await self._table.get_entity(keys["PartitionKey"], keys["RowKey"])
            except ResourceNotFoundError as error:
                if not is_absent(error):
                    raise
                return None
        return str(row["serverCallId"])

    async def recording_of_document(self, document_id: str) -> str | None:
        with storage_faults("looking up a document's recording"):
            try:
                row = await self._table.get_entity(f"document-{key_of(document_id)}", _DOCUMENT_ROW)
            except ResourceNotFoundError as error:
                if not is_absent(error):
                    raise
                return None
        return str(row["recordingKey"])

    async def link_document(self, document_id: str, recording_key: str) -> str:
        """Links a document, unless it is linked already. Returns the recording key of the link.

        If the SDK retries an insert whose answer was lost, it finds our own row, which has the same recording key.
        """
        partition = f"document-{key_of(document_id)}"
        entity = {"PartitionKey": partition, "RowKey": _DOCUMENT_ROW, "recordingKey": recording_key}
        with storage_faults("linking a document to its recording"):
            try:
                await self._table.create_entity(entity, **REPEATED)
            except ResourceExistsError:
                row = await self._table.get_entity(partition, _DOCUMENT_ROW)
                return str(row["recordingKey"])
        return recording_key


def _connection(call_connection_id: str) -> dict[str, str]:
    return {"PartitionKey": f"connection-{key_of(call_connection_id)}", "RowKey": "call"}


def _call(server_call_id: str) -> str:
    return f"call-{call_key(server_call_id)}"
