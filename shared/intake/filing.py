"""Assigns each document of an event to its recording. A document belongs to exactly one recording.

The link from a document to its recording is inserted before the chunk is written. The insert fails if a link exists,
so a document stays with the first recording it was assigned to. If a later event names another recording, its document
is assigned to the first one, and the difference is logged. After a crash, the next delivery finds the same link.
"""

import asyncio
from dataclasses import dataclass
from itertools import batched

from shared.contracts.events.recording_event import AnnouncedChunk, RecordingFilesEvent
from shared.domain.keys import key_of, unlinked_key
from shared.gateways.tables.links import Links
from shared.observability.logs import logger

log = logger("intake")

_AT_ONCE = 32  # links written concurrently; Event Grid waits only 30 s for the response to an event


@dataclass(frozen=True, kw_only=True)
class Filed:
    """Chunks of one event that belong to one recording."""

    recording_key: str
    chunks: tuple[AnnouncedChunk, ...]
    unlinked: bool  # no event and no link names their recording
    joined: bool  # the event names another recording, but these documents belong to this one


class Filing:
    """Finds the recording of each document and stores the link."""

    def __init__(self, links: Links) -> None:
        self._links = links

    async def of(self, event: RecordingFilesEvent) -> list[Filed]:
        """The event's chunks, grouped by recording, in the order of the event."""
        chunks = event.files.chunks
        documents = sorted(chunk.document_id for chunk in chunks)
        expected = key_of(event.recording_id) if event.recording_id else await self._expected_key(event, documents)
        keys: list[str] = []
        for some in batched(chunks, _AT_ONCE, strict=False):
            keys += await asyncio.gather(*(self._links.link_document(one.document_id, expected) for one in some))
        unlinked_keys = set(map(unlinked_key, documents))
        return [
            Filed(
                recording_key=key,
                chunks=tuple(chunk for chunk, one in zip(chunks, keys, strict=True) if one == key),
                unlinked=key in unlinked_keys,
                joined=key != expected,
            )
            for key in dict.fromkeys(keys)
        ]

    async def _expected_key(self, event: RecordingFilesEvent, documents: list[str]) -> str:
        """The recording of an event that names none.

        Subjects of older events don't contain the recording id. The recording is then that of an earlier event for the
        same documents, or the call's recording in the ledger, if the call has exactly one.
        """
        for some in batched(documents, _AT_ONCE, strict=False):
            known = await asyncio.gather(*map(self._links.recording_of_document, some))
            if found := next(filter(None, known), None):
                return found
        found = await self._links.recording_of_call(event.server_call_id) if event.server_call_id else None
        return found or unlinked_key(documents[0])
