"""Writes recordings to the catalogue, and adds them to the lists that they belong to.

        lists ──> catalogue
          1           2

An entry is added before the row that it leads to is written. A crash in between leaves an entry too many, which shows
nothing: whoever reads a list looks up in the catalogue what an entry leads to.
"""

from shared.domain.list_entry import ListEntry, ListName
from shared.domain.records import AuditEntry, Chunk, Recording
from shared.gateways.bundle import Gateways


class RecordingBook:
    """The catalogue's recordings and their lists."""

    def __init__(self, gateways: Gateways) -> None:
        self._catalogue, self._lists = gateways.catalogue, gateways.lists

    async def announce(
        self, recording: Recording, chunks: tuple[Chunk, ...], known: Recording | None
    ) -> tuple[Chunk, ...] | None:
        """See `Catalogue.announce`."""
        await self.add_to_lists(recording, known)
        return await self._catalogue.announce(recording, chunks, known)

    async def merge(self, recording: Recording, *entries: AuditEntry) -> None:
        """See `Catalogue.merge`."""
        await self.add_to_lists(recording)
        await self._catalogue.merge(recording, *entries)

    async def move(self, recording: Recording, *entries: AuditEntry) -> bool:
        """See `Catalogue.move`."""
        await self.add_to_lists(recording)
        return await self._catalogue.move(recording, *entries)

    async def add_to_lists(self, recording: Recording, known: Recording | None = None) -> None:
        """Adds a recording to its lists, except to those that it is on already, as far as `known` of it says."""
        if recording.listed_at is None:
            return
        before = _lists_of(known) if known is not None and known.listed_at == recording.listed_at else frozenset()
        added = sorted(_lists_of(recording) - before)
        if recording.overdue_at is not None:
            added.append(ListName.TROUBLE)
        await self._lists.add(ListEntry(at=recording.listed_at, recording_key=recording.recording_key), *added)

    async def remove_from_trouble(self, recording: Recording) -> None:
        """For a recording whose files are no longer missed. If it was listed again meanwhile, it stays."""
        if recording.overdue_at is None or recording.listed_at is None:
            return
        entry = ListEntry(at=recording.listed_at, recording_key=recording.recording_key)
        version = await self._lists.find(entry, ListName.TROUBLE)
        if version is not None:
            await self._lists.remove(entry, ListName.TROUBLE, version=version)


def _lists_of(recording: Recording) -> frozenset[str]:
    """The lists of a recording for as long as its values stay: its day's, and those of its calls and correlation."""
    values = {
        ListName.CALL: recording.call_id,
        ListName.SERVER_CALL: recording.server_call_id,
        ListName.CALL_CONNECTION: recording.call_connection_id,
        ListName.CORRELATION: recording.correlation,
    }
    return frozenset({str(ListName.DAY)} | {name.of(value) for name, value in values.items() if value is not None})
