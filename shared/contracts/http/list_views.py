"""Answers of queries: pages of recordings, the summary, links to archived files. Sizes in bytes, times in UTC."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.contracts.http.health import HealthCheckView
from shared.contracts.http.recording_view import View


class TroubleView(View):
    """A failed, lost or removed chunk, or (without a documentId) a recording whose files are overdue."""

    document_id: str | None
    index: int | None
    state: str = Field(description="failed, lost, removed or overdue.")
    since: datetime | None
    deadline: datetime | None = Field(
        description="When ACS deletes the source. A later replay succeeds only if the source still exists."
    )
    fault: str | None = Field(description="Whose fault it is: source, destination or ours.")
    reason: str | None
    detail: str | None
    acknowledged_by: str | None = Field(
        description="Name of the person who acknowledged a lost or removed chunk; null if it needs attention."
    )


class ListedRecording(View):
    """A recording in a list. The recording's own view has more fields."""

    recording_id: str | None = Field(description="Null for files that can't be linked to a recording.")
    recording_key: str = Field(description="Identifies the recording in paths, also if there is no recordingId.")
    state: str
    listed_at: datetime = Field(
        description="When the recording was requested, or started if that is unknown. Lists are sorted by it."
    )
    correlation: str | None
    labels: dict[str, str] = Field(description="The labels that the caller sent with the start, by name.")
    server_call_id: str | None
    call_id: str | None
    call_connection_id: str | None
    content: str | None
    channel: str | None
    format: str | None
    unlinked: bool
    duration_ms: int | None
    participants: int | None = Field(
        description="The most participants that the metadata of one of its chunks name; null while none is known."
    )
    size: int = Field(description="Total size of the media files in the archive.")
    chunks: dict[str, int] = Field(description="Number of chunks by state.")
    deadline: datetime | None = Field(description="Nearest deadline of the chunks that aren't safe, if any.")
    trouble: list[TroubleView] = Field(description="The first five problems.")


class NotIndexedView(View):
    """Recordings that a search by participant can't find yet, because not all of their participants are known."""

    recordings: int = Field(
        description="Number of recordings in the requested days, of the requested call or correlation, with a file "
        "whose metadata isn't in the archive."
    )
    by_state: dict[str, int] = Field(
        description="The same number by the recording's state, which says why: starting, active or paused (it runs), "
        "stopped or overdue (ACS hasn't reported its files), archiving (files are being archived) or incomplete (a "
        "file failed or is lost)."
    )
    complete: bool = Field(description="Whether all were counted. If false, the number is a minimum.")


class RecordingsPage(View):
    """One page, newest first."""

    recordings: list[ListedRecording]
    not_indexed: NotIndexedView | None = Field(
        description="On the first page of a search by participant: the recordings that the search can't find yet. Null "
        "on other pages and without a participant."
    )
    next_cursor: str | None = Field(
        description="Opaque. To get the next page, send it as cursor with the same filters; only limit may change. "
        "Null on the last page. A page may have fewer recordings than its limit, even none, without being the last: "
        "a request reads at most a bounded number."
    )


class OpenChunkView(View):
    """A chunk that isn't safe yet."""

    recording_id: str | None
    recording_key: str
    correlation: str | None = Field(description="The correlation of the chunk's recording.")
    labels: dict[str, str] = Field(description="The labels of the chunk's recording, by name.")
    started_at: datetime | None = Field(description="When the chunk's recording started.")
    document_id: str
    index: int
    state: str
    attempts: int
    copied: int | None
    expected: int | None
    deadline: datetime
    seconds_left: float = Field(description="Time until ACS deletes the source; negative after the deadline.")
    reason: str | None


class WaitingView(View):
    """Chunks whose last attempt failed for one reason, and that wait for their next attempt."""

    reason: str
    fault: str | None = Field(description="Whose fault it is: source, destination or ours.")
    detail: str | None = Field(description="The detail of one of these chunks.")
    chunks: int


class OpenView(View):
    """The open work at this moment."""

    items: int = Field(description="Number of open chunks, and of recordings whose files are awaited.")
    complete: bool = Field(description="Whether `items` is the exact number; if false, it is a minimum.")
    examined: int = Field(
        description="Number of items that were read, nearest deadline first. The other members describe only these."
    )
    chunks_left_out: int = Field(description="Number of chunks with later deadlines that weren't read.")
    chunks: dict[str, int] = Field(
        description="Number of chunks by state: pending, copying, failed, archived (not released)."
    )
    recordings: dict[str, int] = Field(
        description="Recordings whose files are awaited, by state: starting, active, stopped, archiving and others."
    )
    waiting: list[WaitingView] = Field(
        description="The chunks whose last attempt failed and that wait for the next one, by reason, most chunks first."
    )
    oldest: OpenChunkView | None = Field(description="The chunk with the least time left that isn't safe.")


class TroublePage(View):
    """The newest recordings of the last seven days with problems that nobody has acknowledged."""

    recordings: list[ListedRecording]
    more: bool


class TallyView(View):
    """Counts of chunks that ended in a period, by the clock of the instance that ended them."""

    safe: int = Field(description="Chunks that became safe in the archive.")
    size: int = Field(description="Total bytes of their media files.")
    failed: int = Field(description="Number of failures; the sweep may have archived the chunks since.")
    lost: int
    mean_seconds_to_safe: float | None = Field(description="From a chunk's event until it is safe.")
    longest_seconds_to_safe: float | None


class TallyBucket(TallyView):
    start: datetime
    minutes: int


class TimeToSafe(View):
    """One bar of a histogram."""

    up_to_seconds: float | None = Field(
        description="Upper bound; null for chunks that took longer than the previous bar."
    )
    chunks: int


class LastDayView(TallyView):
    """The last 24 hours, in buckets without gaps, oldest first."""

    time_to_safe: list[TimeToSafe]
    buckets: list[TallyBucket]


class Severity(StrEnum):
    """How bad it is that a check fails."""

    DANGER = "danger"
    WARNING = "warning"


class SummaryCheckView(HealthCheckView):
    """The result of one check."""

    name: str = Field(
        description="A check of health, or one that only warns: quarantine, dead-letters, announcements or calls. "
        "Later versions may add names."
    )
    severity: Severity = Field(
        description="danger: recordings are at risk, and health answers 503. warning: a person should look into it."
    )
    runbook: str | None = Field(description="Heading of the runbook in docs/operations.md.")


class SummaryView(View):
    """The state of the deployment at a glance."""

    at: datetime
    checked_at: datetime | None = Field(
        default=None, description="When the checks ran. They run at most every 30 seconds in each process."
    )
    checks: list[SummaryCheckView] = Field(default=[], description="All checks, passed and failed.")
    open: OpenView
    trouble: TroublePage
    last_day: LastDayView
    unreadable: int = Field(
        description="Number of rows that this version of the app can't read, for example after a rollback."
    )


class ContentLink(View):
    """A link to an archived file. Anyone who has the link can read the file until it expires."""

    url: str
    expires_at: datetime
    file_name: str
    content_type: str
    size: int
