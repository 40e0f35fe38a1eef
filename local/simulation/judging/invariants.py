"""What must be true after every single call, checked on raw storage and never through the code under test.

1. A source is deleted only while the archive has both of its files, complete, and a row says that they are archived.
2. Nothing that was archived is overwritten or removed.
3. Each document has one chunk row.
4. Each change of a chunk's state is in the diagram of docs/design.md, and a lost chunk's source is truly gone.
5. No participant's id is anywhere but in the archive's metadata files.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from local.memory.storage.account import Account, Operation, Service
from local.memory.storage.entities import Key, Row
from local.simulation.world.sources import PERSON, SimulatedAcs, Source, Trouble
from shared.settings.settings import Settings

_CHUNK = "chunk-"
_SAFE = ("archived", "released")
_SKEW = timedelta(minutes=5)  # more than any process's clock is off
_GONE_FOR = timedelta(hours=4)  # the answers that prove that a source is gone come over at least this time
# The diagram in docs/design.md, read by hand.
_MOVES: Mapping[str, frozenset[str]] = {
    "pending": frozenset({"copying", "archived", "failed", "lost"}),
    "copying": frozenset({"pending", "archived", "failed", "lost"}),
    "archived": frozenset({"released", "pending", "expired", "removed"}),
    "released": frozenset({"expired", "removed"}),
    "failed": frozenset({"pending", "archived", "lost"}),
    "lost": frozenset({"pending", "archived"}),
    "expired": frozenset({"archived", "released", "removed"}),
    "removed": frozenset({"archived", "released", "expired", "pending"}),
}


class Violated(Exception):
    """An invariant doesn't hold any more."""


class Invariants:
    """Compares raw storage before and after each call."""

    def __init__(self, account: Account, acs: SimulatedAcs, settings: Settings) -> None:
        self._account, self._acs, self._settings = account, acs, settings
        self._rows: dict[str, dict[Any, Row]] = {}
        self._archived: dict[str, bytes] = {}
        self._deletions = 0
        self.relocated: set[str] = set()  # documents whose locations changed

    def begin(self) -> None:
        self._rows = {name: dict(self._account.tables[name].rows) for name in self._settings.tables}

    def resume(self, rows: Mapping[str, dict[Any, Row]], archived: Mapping[str, bytes]) -> None:
        """Continues from another moment, with these tables and these files of the archive."""
        self._rows, self._archived, self._deletions = dict(rows), dict(archived), len(self._acs.deletions)

    def harmed(self, name: str) -> None:
        """Somebody else changed a file of the archive."""
        self._archived.pop(name, None)
        self._check_blob(name)

    def rewrote(self, table: str) -> None:
        """Somebody else changed rows of a table."""
        self._rows[table] = dict(self._account.tables[table].rows)

    def check(self, operation: Operation) -> None:
        """Raises Violated if this call broke an invariant."""
        if not operation.writes:
            return
        match operation.service:
            case Service.TABLE:
                self._check_table(operation.target, [key_named(one) for one in operation.part])
            case Service.BLOB:
                container, _, name = operation.target.partition("/")
                if container == self._settings.archive_container:
                    self._check_blob(name)
            case Service.ACS:
                self._check_deletions()

    def _check_table(self, name: str, named: list[Key]) -> None:
        """Checks the rows that the call names. The contract tests show that a call changes no other row."""
        rows, before = self._account.tables[name].rows, self._rows[name]
        changed = [key for key in named if rows.get(key) is not before.get(key)]
        for key in changed:
            row = rows.get(key)
            if row is None:
                if name == self._settings.recordings_table:
                    raise Violated(f"the row {key[1]} was removed from the catalogue")
                continue
            self._check_person(name, row)
            if name == self._settings.recordings_table and key[1].startswith(_CHUNK):
                self._check_chunk(before.get(key), row)
        if changed:
            self._rows[name] = dict(rows)

    def _check_person(self, table: str, row: Row) -> None:
        for name, value in row.entity.items():
            if isinstance(value, str) and PERSON in value:
                raise Violated(f"a participant's id is in the table {table}, in {name}")

    def _check_chunk(self, before: Row | None, after: Row) -> None:
        chunk = after.entity
        document_id, state = str(chunk["documentId"]), str(chunk["state"])
        if before is None:
            others = [
                key
                for key, row in self._rows[self._settings.recordings_table].items()
                if key[1].startswith(_CHUNK) and row.entity.get("documentId") == document_id
            ]
            if others:
                raise Violated(f"{document_id} has two rows in the catalogue")
            return
        if before.entity["contentLocation"] != chunk["contentLocation"]:
            self.relocated.add(document_id)
        was = str(before.entity["state"])
        if was not in _MOVES:
            raise Violated(f"{document_id} has a state of a newer version, and was overwritten")
        if state != was and state not in _MOVES[was]:
            raise Violated(f"{document_id} went from {was} to {state}")
        if (was, state, chunk.get("reason")) == ("pending", "failed", "poisoned") and "nextAttemptAt" in before.entity:
            raise Violated(f"{document_id} waited for its next attempt, and a poison message failed it")
        if state == "lost" and was != "lost":
            self._check_lost(document_id, chunk)
        if state in _SAFE and was not in _SAFE:
            self._check_recorded(document_id, chunk)

    def _check_lost(self, document_id: str, chunk: Mapping[str, Any]) -> None:
        found, now = self._acs.source(document_id), self._account.now()
        if found is None or chunk["contentLocation"] != found.content_location:
            return  # a location that never existed
        gone = not found.exists(now - _SKEW) or any(
            window.trouble is Trouble.GONE and window.ends > now - _SKEW and now - window.begins >= _GONE_FOR - _SKEW
            for window in found.windows
        )
        event = datetime.fromisoformat(str(chunk["eventTime"]))
        if not gone and now + _SKEW < event + timedelta(hours=48):
            raise Violated(f"{document_id} is lost, but its source exists")

    def _check_recorded(self, document_id: str, chunk: Mapping[str, Any]) -> None:
        """A row that says archived names files that are in the archive."""
        for name in ("blobName", "metadataBlobName"):
            blob = chunk.get(name)
            if blob is not None and blob not in self._archived:
                raise Violated(f"{document_id} is {chunk['state']}, but {blob} isn't in the archive")
        if chunk.get("blobName") is None:
            raise Violated(f"{document_id} is {chunk['state']} without a media file")

    def _check_blob(self, name: str) -> None:
        container = self._account.containers[self._settings.archive_container]
        data = container.find(name).data if name in container.names() else None
        known = self._archived.get(name)
        if known is not None and data != known:
            raise Violated(f"{name} was {'removed from the archive' if data is None else 'overwritten'}")
        if data is not None:
            self._archived[name] = data

    def _check_deletions(self) -> None:
        for doomed in self._acs.deletions[self._deletions :]:
            self._check_deleted(doomed)
        self._deletions = len(self._acs.deletions)

    def _check_deleted(self, doomed: Source) -> None:
        chunk = next(
            (
                row.entity
                for key, row in self._rows[self._settings.recordings_table].items()
                if key[1].startswith(_CHUNK) and row.entity.get("documentId") == doomed.document_id
            ),
            None,
        )
        if chunk is None or chunk["state"] not in _SAFE:
            raise Violated(f"{doomed.document_id}'s source is deleted, but its row isn't archived")
        media, metadata = (self._archived.get(str(chunk.get(name))) for name in ("blobName", "metadataBlobName"))
        if media is None or not doomed.may_be_archived(media):
            raise Violated(f"{doomed.document_id}'s source is deleted, but its media aren't in the archive")
        if metadata != doomed.metadata:
            raise Violated(f"{doomed.document_id}'s source is deleted, but its metadata aren't in the archive")


def key_named(part: str) -> Key:
    """The key of a row that an operation names. Keys contain no slash."""
    partition, _, row = part.partition("/")
    return partition, row
