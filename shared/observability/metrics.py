"""Metrics through OpenTelemetry's API, which does nothing until the deployer installs an SDK.

docs/observability.md explains each instrument; a test compares it with this module. No attribute contains personal
data, and each has only a few values.
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
_AGES = (12, 4, 1, 0)  # minimum hours since the event

_meter = metrics.get_meter("callvault")

chunks_escalated = _meter.create_counter(
    "callvault.chunks.escalated",
    unit="{chunk}",
    description="Open chunks escalated near their deadline, by hours left.",
)
chunks_ended = _meter.create_counter(
    "callvault.chunks.ended",
    unit="{chunk}",
    description="Chunks that reached an end state: released, archived (if sources are kept), failed, lost, expired or "
    "removed.",
)
recordings_overdue = _meter.create_counter(
    "callvault.recordings.overdue",
    unit="{recording}",
    description="Recordings that ended and whose files ACS didn't report in time.",
)
chunk_retries = _meter.create_counter(
    "callvault.chunks.retries",
    unit="{attempt}",
    description="Failed attempts that are retried, by fault and reason.",
)
archive_io = _meter.create_counter(
    "callvault.archive.io", unit="By", description="Bytes safely archived, by file: media or metadata."
)
announcements = _meter.create_counter(
    "callvault.announcements", unit="{event}", description="Announcements that the topic accepted, by type."
)
announcements_failed = _meter.create_counter(
    "callvault.announcements.failed", unit="{attempt}", description="Failed attempts to announce, by reason."
)
time_to_safe = _meter.create_histogram(
    "callvault.chunk.time_to_safe",
    unit="s",
    description="Time from a chunk's event until it is verified in the archive.",
    explicit_bucket_boundaries_advisory=_SECONDS_TO_SAFE,
)
time_left = _meter.create_histogram(
    "callvault.chunk.time_left",
    unit="s",
    description="Time left, once a chunk is verified in the archive, until ACS deletes its source.",
    explicit_bucket_boundaries_advisory=_SECONDS_LEFT,
)
copy_speed = _meter.create_histogram(
    "callvault.copy.speed",
    unit="By/s",
    description="Media bytes per second of one copy, from its first request to its commit.",
    explicit_bucket_boundaries_advisory=_BYTES_A_SECOND,
)


class OpenChunks:
    """The number of open chunks by age, as the last sweep counted them.

    Counting costs storage operations, so the sweep counts only if metrics were collected since the last count. Each
    count is reported once, so that an instance that no longer sweeps doesn't repeat an old count.
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
    description="Chunks on the worklist, by minimum hours since their event: 0, 1, 4 or 12.",
)


def chunk_safe(chunk: Chunk, archived_at: datetime) -> None:
    """Call once for each chunk that becomes safe."""
    archive_io.add(chunk.size or 0, {"file": "media"})
    archive_io.add(chunk.metadata_size or 0, {"file": "metadata"})
    # SDKs drop negative values; clamp to 0 so that late chunks are still counted.
    time_to_safe.record(max((archived_at - chunk.event_time).total_seconds(), 0))
    time_left.record(max((chunk.deadline - archived_at).total_seconds(), 0))


def chunk_ended(chunk: Chunk) -> None:
    chunks_ended.add(1, {"state": str(chunk.state)})


def attempt_failed(error: CallvaultError) -> None:
    """Call for each failed attempt that will be retried."""
    chunk_retries.add(1, {"fault": str(error.fault), "error.type": error.reason})
