"""Writes recordings to the catalogue, and adds them to the lists that they belong to.

        lists ──> catalogue
          1           2

An entry is added before its row is written. A crash in between leaves an extra entry. It does no harm, because readers
look up each entry in the catalogue.
"""

from shared.contracts.http.list_query import ListQuery
from shared.domain.labels import labels_of
from shared.domain.list_entry import ListEntry, ListName
from shared.domain.records import AuditEntry, Chunk, Recording
from shared.gateways.bundle import Gateways


class RecordingWriter:
    """The catalogue's recordings and their lists."""

    def __init__(self, gateways: Gateways) -> None:
        self._catalogue, self._lists = gateways.catalogue, gateways.lists

    async def add_chunks(
        self, recording: Recording, chunks: tuple[Chunk, ...], known: Recording | None
    ) -> tuple[Chunk, ...] | None:
        """See `Catalogue.add_chunks`."""
        await self.add_to_lists(recording, known)
        return await self._catalogue.add_chunks(recording, chunks, known)

    async def merge(self, recording: Recording, *entries: AuditEntry) -> None:
        """See `Catalogue.merge`."""
        await self.add_to_lists(recording)
        await self._catalogue.merge(recording, *entries)

    async def move(self, recording: Recording, *entries: AuditEntry) -> bool:
        """See `Catalogue.move`."""
        await self.add_to_lists(recording)
        return await self._catalogue.move(recording, *entries)

    async def add_to_lists(self, recording: Recording, known: Recording | None = None) -> None:
        """Adds a recording to its lists. Skips the lists that `known`, its row as it was read, is already on."""
        if recording.listed_at is None:
            return
        before = _lists_of(known) if known is not None and known.listed_at == recording.listed_at else frozenset()
        added = sorted(_lists_of(recording) - before)
        if recording.overdue_at is not None:
            added.append(ListName.TROUBLE)
        await self._lists.add(ListEntry(at=recording.listed_at, recording_key=recording.recording_key), *added)

    async def remove_from_trouble(self, recording: Recording) -> None:
        """For a recording whose files are no longer overdue. If it was added again meanwhile, it stays."""
        if recording.overdue_at is None or recording.listed_at is None:
            return
        entry = ListEntry(at=recording.listed_at, recording_key=recording.recording_key)
        version = await self._lists.find(entry, ListName.TROUBLE)
        if version is not None:
            await self._lists.remove(entry, ListName.TROUBLE, version=version)


def _lists_of(recording: Recording) -> frozenset[str]:
    """The lists that a recording's values put it on: by day, by call, by correlation and by label."""
    by_value = {name.of(value) for name, value in listed_values(recording).items() if value is not None}
    by_label = {ListName.LABEL.of(f"{name}={value}") for name, value in labels_of(recording.labels).items()}
    return frozenset({str(ListName.DAY)} | by_value | by_label)


def has_label(recording: Recording, label: str | None) -> bool:
    """Whether a recording has the label of a query, written as name=value. Each has None."""
    if label is None:
        return True
    name, _, value = label.partition("=")
    return labels_of(recording.labels).get(name) == value


def listed_values(given: Recording | ListQuery) -> dict[ListName, str | None]:
    """The values that have a list each, most specific first: a recording's, or those that a query asks for."""
    return {
        ListName.SERVER_CALL: given.server_call_id,
        ListName.CALL: given.call_id,
        ListName.CALL_CONNECTION: given.call_connection_id,
        ListName.CORRELATION: given.correlation,
    }
