"""The facts that judge a run: the expected end of each document, and the time at which the faults ended.

If a chunk's source existed for `DECIDED` after the faults on it ended, the chunk must have its expected end. Any other
end is a violation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from local.faults.running_stack.evidence import Original
from local.faults.schedules.scenarios import Tampering
from local.faults.schedules.unusual_events import End

DECIDED = timedelta(hours=8)  # the longest pause between two attempts, twice, of the product's clock


@dataclass(frozen=True, kw_only=True)
class Expectations:
    ends: Mapping[str, End] = field(default_factory=dict)  # by document; RELEASED for all others
    quiet_at: datetime | None = None  # when the faults ended, by the product's clock; None: check that all chunks ended
    wants_media: frozenset[str] = frozenset()  # documents whose media must be archived even if their metadata fail
    corrected: frozenset[str] = frozenset()  # documents whose first event named wrong locations
    tampered: Mapping[str, Tampering] = field(default_factory=dict)  # documents
    patience: timedelta = DECIDED  # after which a chunk is judged
    quarantined: int = 0  # least number of events in quarantine

    def end_of(self, document_id: str) -> End:
        if self.tampered.get(document_id) is Tampering.REPLACE:
            return End.REFUSED  # the archive never overwrites a file, so only the source has the right bytes
        return self.ends.get(document_id, End.RELEASED)

    def ends_in_time(self, document_id: str) -> bool:
        """Whether the chunk ends within the time of a run, instead of being retried until its source expires."""
        return self.end_of(document_id) is not End.REFUSED and document_id not in self.wants_media

    def decides(self, original: Original) -> bool:
        """Whether the source was there for long enough after the last fault."""
        return self.quiet_at is not None and original.expires_at >= self.quiet_at + self.patience
