"""The timeline of a recording, from its archived metadata files. It also works for an incomplete recording.

A person who opens a recording on the page reads its timeline. It therefore checks the media files too: the page must
not show a file as archived that someone removed.
"""

from shared.contracts.chunk_metadata import ChunkFacts
from shared.contracts.http.archive_view import TimelineChunkView, TimelineView
from shared.domain.clock import Clock
from shared.domain.keys import recording_key_of
from shared.errors import NotFound
from shared.gateways.bundle import Gateways
from shared.queries.archived_metadata import ArchivedFacts
from shared.queries.disclosures import Disclosures
from shared.queries.missing_files import MissingFiles
from shared.settings.settings import Settings


class Timeline:
    """Shows when each chunk was recorded, and who took part."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._catalogue, self._facts = gateways.catalogue, ArchivedFacts(gateways.archive_reader)
        self._missing_files = MissingFiles(gateways, clock, settings)
        self._disclosures = Disclosures(gateways.audit, clock)

    async def of(self, recording: str, *, by: str) -> TimelineView:
        """Raises NotFound if the catalogue doesn't have the recording, or an error of ArchivedFacts or Disclosures."""
        known, chunks = await self._catalogue.recording(recording_key_of(recording))
        if known is None:
            raise NotFound("the catalogue has no such recording")
        metadata = await self._facts.of(chunks)
        chunks = await self._missing_files.check_all(chunks, metadata)
        view = TimelineView(
            chunks=[
                TimelineChunkView.of(chunk, read.facts or ChunkFacts())
                for chunk, read in zip(chunks, metadata, strict=True)
            ]
        )
        named = (chunk.participants for chunk in view.chunks)
        await self._disclosures.record("read timeline", known.recording_key, named, by=by)
        return view
