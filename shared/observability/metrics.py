"""What is counted and measured, through OpenTelemetry's API: a no-op until the deployer installs an SDK beside it.

docs/observability.md says what each instrument means; a test holds both together. No attribute is personal, and each
has a handful of values.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from shared.domain.records import Chunk
from shared.errors import CallvaultError

_HOUR = 3600.0
_SECONDS_TO_SAFE = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, _HOUR, 2 * _HOUR, 4 * _HOUR, 12 * _HOUR, 24 * _HOUR)
_SECONDS_LEFT = (0, *(hours * _HOUR for hours in (1, 4, 12, 16, 20, 22, 23, 24, 36, 44, 46, 47, 48)))
_BYTES_A_SECOND = tuple(mega * 1_000_000 for mega in (0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000))
_AGES = (12, 4, 1, 0)  # hours since the event, at least

_meter = metrics.get_meter("callvault")

chunks_escalated = _meter.create_counter(
    "callvault.chunks.escalated",
    unit="{chunk}",
    description="Open chunks raised as their deadline neared, by hours left.",
)
chunks_ended = _meter.create_counter(
    "callvault.chunks.ended",
    unit="{chunk}",
    description="Chunks that came to an end, by state: released, archived (where sources are kept), failed, lost, "
    "expired, removed.",
)
recordings_overdue = _meter.create_counter(
    "callvault.recordings.overdue", unit="{recording}", description="Recordings that ended and whose files never came."
)
chunk_retries = _meter.create_counter(
    "callvault.chunks.retries",
    unit="{attempt}",
    description="Attempts that failed and are to be made again, by whose fault it was and why.",
)
archive_io = _meter.create_counter(
    "callvault.archive.io", unit="By", description="Bytes that became safe in the archive, by file: media or metadata."
)
announcements = _meter.create_counter(
    "callvault.announcements", unit="{event}", description="Announcements that the topic took, by type."
)
announcements_put_off = _meter.create_counter(
    "callvault.announcements.put_off", unit="{attempt}", description="Tries to announce that failed, by reason."
)
time_to_safe = _meter.create_histogram(
    "callvault.chunk.time_to_safe",
    unit="s",
    description="From a chunk's event to its being verified in the archive.",
    explicit_bucket_boundaries_advisory=_SECONDS_TO_SAFE,
)
time_left = _meter.create_histogram(
    "callvault.chunk.time_left",
    unit="s",
    description="From a chunk's being verified in the archive to the moment at which ACS would have destroyed it.",
    explicit_bucket_boundaries_advisory=_SECONDS_LEFT,
)
copy_speed = _meter.create_histogram(
    "callvault.copy.speed",
    unit="By/s",
    description="Media bytes a second of one copy, from its first request to its commit.",
    explicit_bucket_boundaries_advisory=_BYTES_A_SECOND,
)


class OpenChunks:
    """How many chunks are open, by age, as the last sweep counted them.

    Counting costs storage operations, so it is for the sweep to do only when a collection asked since. A count is told
    once: an instance that no longer sweeps doesn't go on telling an old one.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._counts: dict[int, int] = {}

    def tell(self, ages: Iterable[timedelta]) -> None:
        counts = dict.fromkeys(_AGES, 0)
        for age in ages:
            hours = age.total_seconds() / _HOUR
            counts[next((least for least in _AGES if hours >= least), 0)] += 1
        self._counts, self.wanted = counts, False

    def observe(self, _: CallbackOptions) -> Iterable[Observation]:
        counts, self._counts, self.wanted = self._counts, {}, True
        return [Observation(number, {"hours": least}) for least, number in counts.items()]


open_chunks = OpenChunks()
_meter.create_observable_gauge(
    "callvault.chunks.open",
    callbacks=[open_chunks.observe],
    unit="{chunk}",
    description="Chunks on the worklist, by hours since their event: at least 0, 1, 4, 12.",
)


def chunk_safe(chunk: Chunk, archived_at: datetime) -> None:
    """To be told once of each chunk that becomes safe."""
    archive_io.add(chunk.size or 0, {"file": "media"})
    archive_io.add(chunk.metadata_size or 0, {"file": "metadata"})
    # An SDK drops what is negative, and a chunk that came after its deadline is the one to be told of.
    time_to_safe.record(max((archived_at - chunk.event_time).total_seconds(), 0))
    time_left.record(max((chunk.deadline - archived_at).total_seconds(), 0))


def chunk_ended(chunk: Chunk) -> None:
    chunks_ended.add(1, {"state": str(chunk.state)})


def attempt_failed(error: CallvaultError) -> None:
    """To be told of an attempt that will be made again."""
    chunk_retries.add(1, {"fault": str(error.fault), "error.type": error.reason})
