"""Enters all that the catalogue holds into the lists again: for tables that were lost, and what an older version wrote.

Repeating it changes nothing. Places that lead nowhere any more are left: they show nothing.
"""

import asyncio
from itertools import batched

from shared.attendance import Attendance
from shared.clock import Clock
from shared.gateways.bundle import Gateways
from shared.gateways.calendar import Heading, Place
from shared.gateways.worklist import WorkItem
from shared.records import Chunk, Recording
from shared.settings import Settings
from shared.states import IN_TROUBLE, ONCE_SAFE

_AT_ONCE = 16  # chunks entered together


class Relisting:
    """Calendar, participants, worklist and the links of documents from the catalogue."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._catalogue, self._calendar, self._worklist = gateways.catalogue, gateways.calendar, gateways.worklist
        self._attendance, self._clock = Attendance(gateways, settings), clock
        self._links = gateways.links

    async def run(self) -> int:
        """Gives the number of recordings. Reads the whole catalogue, and the metadata file of every chunk."""
        number = 0
        async for recording, chunks in self._catalogue.everything():
            await self._recording(recording, chunks)
            for some in batched(chunks, _AT_ONCE, strict=False):
                await asyncio.gather(*map(self._chunk, some))
            number += 1
        return number

    async def _recording(self, recording: Recording, chunks: tuple[Chunk, ...]) -> None:
        began = recording.started_at or recording.requested_at or min((one.started_at for one in chunks), default=None)
        listed = recording.evolve(listed_at=recording.listed_at or began or self._clock.now())
        await self._calendar.enter_recording(listed)
        if recording.listed_at is None:
            kept = Recording(recording_key=listed.recording_key, listed_at=listed.listed_at)
            await self._catalogue.merge(kept)
        if listed.recording_id and listed.overdue_at is None and not listed.is_whole(chunks):
            item = WorkItem.of_files if chunks else WorkItem.of_recording
            await self._worklist.add(
                item(listed.recording_key, listed.recording_id, self._clock.now(), listed.listed_at)
            )

    async def _chunk(self, chunk: Chunk) -> None:
        now = self._clock.now()
        if chunk.state in IN_TROUBLE:
            await self._calendar.enter(Place.of_chunk(chunk), Heading.TROUBLE)
        if chunk.state not in ONCE_SAFE and chunk.given_up_at > now:
            await self._worklist.add(WorkItem.of_chunk(chunk, now))
        await self._links.link_document(chunk.document_id, chunk.recording_key)
        if chunk.metadata_blob_name is not None:
            await self._attendance.enter(chunk, chunk.metadata_blob_name)
