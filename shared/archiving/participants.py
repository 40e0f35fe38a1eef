"""Adds chunks to the lists of their participants, so that a person's recordings can be found.

This happens before a chunk becomes `archived`, also if no attempt ended it. The table stores a digest of each
participant's id, keyed with PARTICIPANTS_SECRET, and never the id itself. If the secret isn't set, nobody is listed
until a rebuild with a secret adds them. The lists are for searches only. If they can't be written, the chunk's attempt
is retried (its files are already in the archive) until 12 hours before the chunk's deadline, when an open chunk would
be reported. A chunk that comes later has at least a few attempts, and one more if the attempt before failed for another
cause. Then the chunk is archived without list entries, and a later rebuild adds them.
"""

from datetime import timedelta

from shared.archiving.retry import REPORT_HOURS
from shared.contracts.chunk_metadata import read_participants
from shared.domain.clock import Clock
from shared.domain.keys import pseudonym_of
from shared.domain.list_entry import ListEntry, ListName
from shared.domain.participant_ids import normalized
from shared.domain.records import Chunk
from shared.errors import DestinationError, Fault, Unforeseen
from shared.gateways.blobs.archive_reader import Unreadable
from shared.gateways.bundle import Gateways
from shared.observability.logs import logger
from shared.settings.settings import Settings

log = logger("participants")

_REPORTED = timedelta(hours=max(REPORT_HOURS))  # before the deadline; until then, unwritten lists fail the attempt
_FEW = 5  # attempts that may fail because of the lists even after that


class ParticipantIndex:
    """The lists of participants, with the chunks that each participant was on."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._participants, self._archive_reader = gateways.participants, gateways.archive_reader
        self._secret, self._few, self._clock = settings.participants_secret, min(_FEW, settings.max_attempts), clock

    async def add(self, chunk: Chunk, metadata_name: str, metadata: bytes | None = None) -> None:
        """Adds the chunk to the list of each participant that its metadata names.

        Reads the metadata from the archive if it isn't given. Raises DestinationError.
        """
        secret = self._secret
        if secret is None:
            return
        if metadata is None:
            found = await self._archive_reader.metadata(metadata_name)
            metadata = b"" if isinstance(found, Unreadable) else found
        pseudonyms = {pseudonym_of(normalized(one), secret) for one in read_participants(metadata)}
        await self._participants.add(ListEntry.of_chunk(chunk), *map(ListName.PARTICIPANT.of, sorted(pseudonyms)))

    async def add_or_report(self, chunk: Chunk, metadata_name: str, metadata: bytes | None) -> DestinationError | None:
        """Like `add`, for a chunk that is being archived. Returns the error if the attempt should fail because of it.

        An unexpected exception is only logged, so that it doesn't stop the archiving. A rebuild adds the chunk later.
        """
        context = {"action": "list", **chunk.log_context()}
        try:
            await self.add(chunk, metadata_name, metadata)
        except DestinationError as error:
            if self._is_retried(chunk):
                return error
            log.warning("participants not listed", extra={"reason": error.reason, **context})
        except Exception:
            log.warning("participants not listed", exc_info=True, extra={"reason": Unforeseen.reason, **context})
        return None

    def _is_retried(self, chunk: Chunk) -> bool:
        now = self._clock.now()
        if now < chunk.deadline - _REPORTED:
            return True
        return now < chunk.given_up_at and (chunk.attempts < self._few or chunk.fault != Fault.DESTINATION)


def number_of(metadata: bytes) -> int | None:
    """The number of participants that a metadata file names, for lists. None if it can't be read."""
    try:
        return len(read_participants(metadata))
    except Exception:  # noqa: BLE001 - an odd file must not stop the archiving
        return None
