"""A recording over time, as far as archived metadata tell it: also one that isn't whole, and may never be."""

from dataclasses import asdict

from shared.contracts.archive import TimelineView
from shared.contracts.metadata import ChunkFacts
from shared.errors import NotFound
from shared.facts import ArchivedFacts
from shared.gateways.bundle import Gateways
from shared.identity import recording_key_of


class Timeline:
    """What was recorded when."""

    def __init__(self, gateways: Gateways) -> None:
        self._catalogue, self._facts = gateways.catalogue, ArchivedFacts(gateways.archived)

    async def of(self, recording: str) -> TimelineView:
        """Raises NotFound for a recording that the catalogue doesn't have, else as ArchivedFacts does."""
        known, chunks = await self._catalogue.recording(recording_key_of(recording))
        if known is None:
            raise NotFound("the catalogue has no such recording")
        facts = await self._facts.of(chunks)
        nothing = dict.fromkeys(ChunkFacts.model_fields)
        told = [
            asdict(chunk) | (found.model_dump() if found else nothing)
            for chunk, found in zip(chunks, facts, strict=True)
        ]
        return TimelineView.model_validate({"chunks": told})
