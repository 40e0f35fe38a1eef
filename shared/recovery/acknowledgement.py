"""Records that a person knows about a lost or removed chunk, so that it no longer counts as needing attention.

        audit ──> chunk
          1         2

A crash after 1 leaves the entry of a request that changed nothing; the request can be repeated. The chunk keeps its
state. An acknowledgement is valid for one loss: a chunk that is lost or removed again needs another.
"""

from shared.bookkeeping.writers import Writers
from shared.contracts.http.recovery_requests import Acknowledgement
from shared.domain.clock import Clock
from shared.domain.keys import recording_key_of
from shared.domain.records import AuditEntry, Chunk
from shared.domain.states import ACKNOWLEDGEABLE
from shared.errors import Conflict, ConflictForNow, LeaseLost, NotFound
from shared.gateways.bundle import Gateways
from shared.observability.logs import logger

log = logger("acknowledgement")

_ROUNDS = 5  # tries of the conditional write; each fails only if another process wrote the chunk at the same moment


class Acknowledging:
    """Acknowledges chunks."""

    def __init__(self, gateways: Gateways, clock: Clock) -> None:
        self._writers = Writers.over(gateways)
        self._catalogue, self._audit, self._clock = gateways.catalogue, gateways.audit, clock

    async def acknowledge(self, named: str, document_id: str, given: Acknowledgement, *, by: str) -> Chunk:
        """Returns the chunk. `by` is the caller; `given` has the person's name and note.

        Raises NotFound, Conflict if the chunk is neither lost nor removed, and ConflictForNow if other processes write
        the chunk all the time.
        """
        chunk = await self._found(named, document_id)
        details = {"documentId": document_id, "state": str(chunk.state), "name": given.name, "note": given.note}
        entry = AuditEntry(at=self._clock.now(), action="acknowledge", by=by, details=details)
        await self._audit.add(chunk.recording_key, entry)
        for _ in range(_ROUNDS):
            try:
                changes = {"acknowledged_at": entry.at, "acknowledged_by": given.name}
                written = await self._writers.chunks.replace(chunk.evolve(**changes))
            except LeaseLost:
                chunk = await self._found(named, document_id)
                continue
            log.info("chunk acknowledged", extra={"action": "acknowledge", **written.log_context()})
            return written
        raise ConflictForNow("the chunk is being changed: try again")

    async def _found(self, named: str, document_id: str) -> Chunk:
        _, chunks = await self._catalogue.recording(recording_key_of(named))
        chunk = next((one for one in chunks if one.document_id == document_id), None)
        if chunk is None:
            raise NotFound("the catalogue has no such recording or chunk")
        if chunk.state not in ACKNOWLEDGEABLE:
            raise Conflict(f"the chunk is {chunk.state}: only a lost or removed chunk can be acknowledged")
        return chunk
