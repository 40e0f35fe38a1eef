"""The version of the data's schema: an app refuses data that a newer app changed in a way that it can't read.

The table `links` has one row with the version. The first app that finds no row inserts it. A change of the data that
older versions of the app can't read raises SCHEMA_VERSION, and then this module must raise the row's version, too.

Each process reads the row before its first use of the data, and not again once the version was accepted. Calls that
arrive before the first answer each read it.
"""

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.data.tables.aio import TableServiceClient

from shared.errors import NewerSchema
from shared.gateways.faults import is_absent, storage_faults
from shared.gateways.tables.retries import REPEATED

SCHEMA_VERSION = 1  # the newest that this version of the app can read
_KEYS = {"PartitionKey": "schema", "RowKey": "version"}


class Schema:
    """The row with the version. One instance for each process."""

    def __init__(self, tables: TableServiceClient, table_name: str) -> None:
        self._table = tables.get_table_client(table_name)
        self._is_accepted = False

    async def require(self) -> None:
        """Must be awaited before any use of the data. Inserts the row if there is none.

        Raises NewerSchema, or DestinationError if storage fails; the next call then tries again.
        """
        if self._is_accepted:
            return
        if not await self._check():
            await self._insert()
        self._is_accepted = True

    async def check(self) -> None:
        """Reads the row, and writes nothing. Raises as `require` does."""
        await self._check()

    async def _insert(self) -> None:
        with storage_faults("recording the data's schema version"):
            try:
                await self._table.create_entity({**_KEYS, "version": SCHEMA_VERSION}, **REPEATED)
            except ResourceExistsError:  # by another process, or by a try of ours whose answer was lost
                await self._check()

    async def _check(self) -> bool:
        """Whether there is a row. Raises NewerSchema if its version can't be read."""
        with storage_faults("reading the data's schema version"):
            try:
                row = await self._table.get_entity(_KEYS["PartitionKey"], _KEYS["RowKey"])
            except ResourceNotFoundError as error:
                if not is_absent(error):
                    raise
                return False
        version = row.get("version")
        if not isinstance(version, int) or version > SCHEMA_VERSION:
            raise NewerSchema.of(version, SCHEMA_VERSION)
        return True
