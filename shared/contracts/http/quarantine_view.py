"""The list of the quarantine: a request's parameters, and what the list shows of each entry.

The content of an entry isn't shown, because an event may name people. Read it in the container `quarantine`.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.http.parameters import read_parameters
from shared.contracts.http.recording_view import View

MOST_ENTRIES = 100  # on a page


class QuarantineKind(StrEnum):
    """What an entry is."""

    EVENT = "event"
    CALLBACK = "callback"
    JOB = "job"


class QuarantineQuery(BaseModel):
    """Which entries to list."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: QuarantineKind | None = Field(default=None, description="Only entries of this kind.")
    limit: int = Field(default=25, ge=1, le=MOST_ENTRIES, description=f"Entries on a page, 1 to {MOST_ENTRIES}.")
    cursor: str | None = Field(default=None, max_length=256, description="nextCursor of the previous page.")


class QuarantineEntry(View):
    """An event, a callback or a message that Callvault couldn't process."""

    name: str = Field(description="Name of the blob in the quarantine container.")
    quarantine_id: str | None = Field(
        description="Identifies the event in the path of a replay. Null for callbacks and messages, which can't be "
        "replayed."
    )
    kind: QuarantineKind = Field(description="event; callback, of ACS; or job, a message that failed repeatedly.")
    reason: str | None = Field(description="Why it couldn't be processed. Null if the entry's file isn't Callvault's.")
    received_at: datetime = Field(description="When it was received first.")
    by: str | None = Field(description="Who submitted the event. Null if a service delivered it.")
    event_id: str | None = Field(description="ID of the event or callback, if it could be read.")
    event_type: str | None = Field(description="Type of the event or callback, if it could be read.")
    size: int = Field(description="Size of the entry's file, in bytes.")
    replayed_at: datetime | None = Field(description="When a replay last processed the event; null if none has.")


class QuarantinePage(View):
    """One page of the quarantine, newest first."""

    entries: list[QuarantineEntry] = Field(description="The entries of this page.")
    total: int = Field(description="Number of entries of this kind in the quarantine, on all pages.")
    not_replayed: int = Field(description="Number of them that no replay has processed.")
    complete: bool = Field(
        description="Whether all entries were counted. If false, the quarantine has more entries than one request "
        "counts; total is a minimum, and the list shows only those that were counted."
    )
    next_cursor: str | None = Field(
        description="Opaque. To get the next page, send it as cursor. Null on the last page."
    )


def parse_quarantine_query(parameters: Mapping[str, str]) -> QuarantineQuery:
    """Parses a query. Raises InvalidRequest, which names each invalid parameter and its fix but no value."""
    return read_parameters(QuarantineQuery, parameters)
