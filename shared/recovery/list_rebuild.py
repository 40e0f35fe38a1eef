"""Adds all recordings and chunks of the catalogue to the lists again.

This restores lost tables, and rows that an older version didn't write. Repeating it changes nothing. List entries whose
recording no longer exists stay: a list doesn't show them.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import batched

from shared.archiving.participants import ParticipantIndex, number_of
from shared.bookkeeping.writers import Writers
from shared.domain.clock import Clock
from shared.domain.records import Chunk, Recording
from shared.domain.states import ONCE_SAFE
from shared.domain.work_item import WorkItem
from shared.errors import DestinationError, LeaseLost
from shared.gateways.blobs.archive_reader import Unreadable
from shared.gateways.bundle import Gateways
from shared.settings.settings import Settings

_AT_ONCE = 16  # chunks added concurrently


@dataclass(frozen=True, kw_only=True)
class RelistingResult:
    """How many recordings were added, and which metadata files were skipped, each with the reason."""

    recordings: int
    unreadable: Mapping[str, str]


class ListRebuild:
    """Restores the lists, the participants' lists, the worklist and the links of documents from the catalogue.

    Also the number of participants in the chunks' rows, from the metadata files.
    """

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._writers = Writers.over(gateways)
        self._catalogue = gateways.catalogue
        self._participant_index, self._clock = ParticipantIndex(gateways, clock, settings), clock
        self._links, self._archived = gateways.links, gateways.archive_reader

    async def run(self) -> RelistingResult:
        """Reads the whole catalogue, and the metadata file of every chunk.

        If a metadata file can't be read, only the participants in that file are skipped.
        """
        number, unreadable = 0, dict[str, str]()
        async for recording, chunks in self._catalogue.everything():
            await self._recording(recording, chunks)
            for some in batched(chunks, _AT_ONCE, strict=False):
                for skipped in await asyncio.gather(*map(self._chunk, some)):
                    unreadable |= skipped
            number += 1
        return RelistingResult(recordings=number, unreadable=unreadable)

    async def _recording(self, recording: Recording, chunks: tuple[Chunk, ...]) -> None:
        began = recording.started_at or recording.requested_at or min((one.started_at for one in chunks), default=None)
        listed = recording.evolve(listed_at=recording.listed_at or began or self._clock.now())
        await self._writers.recordings.add_to_lists(listed)
        if recording.listed_at is None:
            kept = Recording(recording_key=listed.recording_key, listed_at=listed.listed_at)
            await self._writers.recordings.merge(kept)
        if listed.recording_id and listed.overdue_at is None and not listed.is_whole(chunks):
            item = WorkItem.of_files if chunks else WorkItem.of_recording
            await self._writers.open_work.add(
                item(listed.recording_key, listed.recording_id, self._clock.now(), listed.listed_at)
            )

    async def _chunk(self, chunk: Chunk) -> dict[str, str]:
        """Returns the name of the chunk's metadata file, with the reason, if that file can't be read."""
        now = self._clock.now()
        await self._writers.chunks.add_to_lists(chunk)
        if chunk.state not in ONCE_SAFE and chunk.given_up_at > now:
            await self._writers.open_work.add(WorkItem.of_chunk(chunk, now))
        await self._links.link_document(chunk.document_id, chunk.recording_key)
        name = chunk.metadata_blob_name
        if name is None:
            return {}
        try:
            metadata = await self._archived.metadata(name)
        except DestinationError as error:
            return {name: str(error)}
        if not isinstance(metadata, Unreadable):
            await self._participant_index.add(chunk, name, metadata)
            await self._count_participants(chunk, metadata)
        return {}

    async def _count_participants(self, chunk: Chunk, metadata: bytes) -> None:
        """Writes the number of participants to a row that lacks it, unless another process wrote the row meanwhile."""
        participants = number_of(metadata)
        if chunk.participants is None and participants is not None:
            with contextlib.suppress(LeaseLost):
                await self._writers.chunks.replace(chunk.evolve(participants=participants))
