"""What monitors are told: whether the promise is in danger, and by what. Nothing personal and nothing secret."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.contracts.http.recording_view import View


class HealthStatus(StrEnum):
    OK = "ok"
    DANGER = "danger"


class HealthCheckView(View):
    """One thing that was looked at."""

    name: str = Field(description="tables, queue, poison, archive, acs, deadline, catalogue or sweep; more may come.")
    ok: bool
    reason: str | None = Field(description="Of a failure: stable, as in problems.")
    detail: str | None


class OldestChunkView(View):
    """The open chunk with the least time left."""

    recording_key: str
    chunk_key: str
    state: str
    age_seconds: float = Field(description="Since its event.")
    seconds_left: float = Field(description="Until ACS destroys its source.")


class HealthView(View):
    """Whether storage and ACS can be reached, and whether what is open is taken care of."""

    status: HealthStatus
    at: datetime
    checks: list[HealthCheckView]
    oldest_open: OldestChunkView | None
