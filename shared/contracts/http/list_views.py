"""What queries answer with: pages of recordings, the summary, links to archived files. Sizes in bytes, times in UTC."""

from datetime import datetime

from pydantic import Field

from shared.contracts.http.recording_view import View


class TroubleView(View):
    """A chunk that failed, is lost or was removed, or (without a documentId) a recording whose files are missed."""

    document_id: str | None
    index: int | None
    state: str = Field(description="failed, lost, removed or overdue.")
    since: datetime | None
    deadline: datetime | None = Field(description="When ACS destroys the source; until then the chunk can be replayed.")
    fault: str | None = Field(description="Whose fault it is: source, destination or ours.")
    reason: str | None
    detail: str | None


class ListedRecording(View):
    """A recording as a list shows it; its own view has the rest."""

    recording_id: str | None = Field(description="Null for files that no event and no start links to a recording.")
    recording_key: str = Field(description="Names the recording in paths, too: where there is no recordingId.")
    state: str
    listed_at: datetime = Field(description="What lists are ordered by: when it was asked for or, else, began.")
    correlation: str | None
    server_call_id: str | None
    call_id: str | None
    call_connection_id: str | None
    content: str | None
    channel: str | None
    format: str | None
    unlinked: bool
    duration_ms: int | None
    size: int = Field(description="Of the media files that are in the archive.")
    chunks: dict[str, int] = Field(description="How many of its chunks are in which state.")
    deadline: datetime | None = Field(description="The nearest of its chunks that are not safe, if any.")
    trouble: list[TroubleView] = Field(description="What is wrong with it, the first five.")


class RecordingsPage(View):
    """One page, newest first."""

    recordings: list[ListedRecording]
    next_cursor: str | None = Field(
        description="Opaque: give it as cursor with the same filters to go on. Null at the end. A page may be shorter "
        "than its limit, even empty, and yet not be the last: one request looks at a bounded number of recordings."
    )


class OpenChunkView(View):
    """A chunk that isn't safe yet."""

    recording_id: str | None
    recording_key: str
    document_id: str
    index: int
    state: str
    attempts: int
    copied: int | None
    expected: int | None
    deadline: datetime
    seconds_left: float = Field(description="Until ACS destroys the source; below 0 when that is past.")
    reason: str | None


class OpenView(View):
    """What isn't done yet, as it is now."""

    items: int = Field(
        description="Open chunks, recordings whose files are awaited, and calls still to be recorded, all together."
    )
    complete: bool = Field(description="Whether `items` is the whole number and not merely the least it can be.")
    looked_at: int = Field(description="How many of them, nearest deadline first, the other members count.")
    chunks_left_out: int = Field(description="How many chunks, of later deadlines, were not looked up.")
    chunks: dict[str, int] = Field(description="Chunks by state: pending, copying, failed, archived (not released).")
    recordings: dict[str, int] = Field(
        description="Recordings whose files are awaited: starting, active, stopped, archiving …"
    )
    oldest: OpenChunkView | None = Field(description="The chunk that isn't safe and has the least time left.")


class TroublePage(View):
    """The newest recordings in trouble of the last seven days."""

    recordings: list[ListedRecording]
    more: bool


class TallyView(View):
    """What came to an end in a span of time, by the clock of who ended it."""

    safe: int = Field(description="Chunks that became safe in the archive.")
    size: int = Field(description="Bytes of their media.")
    failed: int = Field(description="Times that a chunk failed; the sweep may have mended it since.")
    lost: int
    mean_seconds_to_safe: float | None = Field(description="From a chunk's event to its being safe.")
    longest_seconds_to_safe: float | None


class TallyBucket(TallyView):
    start: datetime
    minutes: int


class TimeToSafe(View):
    """One bar of a histogram."""

    up_to_seconds: float | None = Field(description="Null for all that took longer than the bar before.")
    chunks: int


class LastDayView(TallyView):
    """The last 24 hours, in buckets without gaps, oldest first."""

    time_to_safe: list[TimeToSafe]
    buckets: list[TallyBucket]


class SummaryView(View):
    """Whether the promise holds, at a look."""

    at: datetime
    open: OpenView
    trouble: TroublePage
    last_day: LastDayView
    unreadable: int = Field(
        description="Rows among those looked at that this version of the app can't read, as after a rollback."
    )


class ContentLink(View):
    """A link to an archived file. It is a key: whoever has it can read that file until it expires."""

    url: str
    expires_at: datetime
    file_name: str
    content_type: str
    size: int
