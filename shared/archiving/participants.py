"""Who was on which recording, so that a person's recordings can be found: entered before a chunk is called archived.

Tables hold a digest keyed by PARTICIPANTS_SECRET, never the id, and never a digest without a key: where the secret
isn't set, no participant is entered, and a rebuild enters them once it is. The lists serve searches and guard nothing:
while they can't be written a chunk is tried again a few times, its files being in the archive already, and then
archived without. A rebuild enters it.
"""

from datetime import timedelta

from shared.contracts.chunk_metadata import read_participants
from shared.domain.keys import pseudonym_of
from shared.domain.list_entry import ListEntry, ListName
from shared.domain.records import Chunk
from shared.errors import DestinationError, Unforeseen
from shared.gateways.blobs.archive_reader import Unreadable
from shared.gateways.bundle import Gateways
from shared.observability.logs import logger
from shared.settings.settings import Settings

log = logger("attendance")

_INSISTS = 5  # attempts that fail over this at most
_IN_TIME = timedelta(hours=1)  # before the deadline none does


class Attendance:
    """Enters chunks into the lists of their participants."""

    def __init__(self, gateways: Gateways, settings: Settings) -> None:
        self._participants, self._archived = gateways.participants, gateways.archived
        self._secret, self._attempts = settings.participants_secret, min(_INSISTS, settings.max_attempts)

    async def enter(self, chunk: Chunk, metadata_name: str, metadata: bytes | None = None) -> None:
        """Reads the metadata back from the archive where they aren't at hand. Raises DestinationError."""
        secret = self._secret
        if secret is None:
            return
        if metadata is None:
            found = await self._archived.metadata(metadata_name)
            metadata = b"" if isinstance(found, Unreadable) else found
        pseudonyms = {pseudonym_of(one, secret) for one in read_participants(metadata)}
        await self._participants.add(ListEntry.of_chunk(chunk), *map(ListName.PARTICIPANT.of, sorted(pseudonyms)))

    async def note(self, chunk: Chunk, metadata_name: str, metadata: bytes | None) -> DestinationError | None:
        """As `enter`, for a chunk that is being archived: gives the error that its attempt should fail with, if any.

        A fault that nobody foresaw is logged and costs the chunk nothing: a rebuild enters its participants.
        """
        context = {"action": "list", **chunk.log_context()}
        try:
            await self.enter(chunk, metadata_name, metadata)
        except DestinationError as error:
            if chunk.attempts < self._attempts and (chunk.copying_at or chunk.deadline) < chunk.deadline - _IN_TIME:
                return error
            log.warning("participants not listed", extra={"reason": error.reason, **context})
        except Exception:
            log.warning("participants not listed", exc_info=True, extra={"reason": Unforeseen.reason, **context})
        return None
