"""What a run was like, as far as judging it takes: what must become of each document, and when the faults ended.

A chunk is judged by the moment when the faults on it ended. If its source lived on for `DECIDED` after that, nothing
excuses any end but the one that it must have.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from local.faults.evidence import Original
from local.faults.oddities import End
from local.faults.scenarios import Tampering

DECIDED = timedelta(hours=8)  # the longest pause between two attempts, twice, of the product's clock


@dataclass(frozen=True, kw_only=True)
class Course:
    ends: Mapping[str, End] = field(default_factory=dict)  # of documents; RELEASED where nothing is said
    quiet_at: datetime | None = None  # when the faults ended, by the product's clock; None: judge by rest alone
    wants_media: frozenset[str] = frozenset()  # documents whose media must be archived whatever their metadata do
    tampered: Mapping[str, Tampering] = field(default_factory=dict)  # documents
    patience: timedelta = DECIDED  # after which a chunk is judged
    quarantined: int = 0  # events of which something must be in quarantine, at least

    def end_of(self, document_id: str) -> End:
        if self.tampered.get(document_id) is Tampering.REPLACE:
            return End.REFUSED  # nothing is overwritten, so the source is all there is
        return self.ends.get(document_id, End.RELEASED)

    def rests(self, document_id: str) -> bool:
        """Whether its chunk comes to an end in the time of a run, instead of being tried again and again."""
        return self.end_of(document_id) is not End.REFUSED and document_id not in self.wants_media

    def decides(self, original: Original) -> bool:
        """Whether the source was there for long enough after the last fault."""
        return self.quiet_at is not None and original.expires_at >= self.quiet_at + self.patience
