"""The health answer for monitors: whether recordings are at risk, and why. No personal data and no secrets."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.contracts.http.recording_view import View


class HealthStatus(StrEnum):
    OK = "ok"
    DANGER = "danger"


class HealthCheckView(View):
    """The result of one check."""

    name: str = Field(
        description="schema, tables, queue, poison, archive, acs, deadline, catalogue or sweep. Later versions may add "
        "names."
    )
    ok: bool
    reason: str | None = Field(description="Stable reason of a failure, as in problems; null if the check passed.")
    detail: str | None


class OldestChunkView(View):
    """The open chunk with the least time left."""

    recording_key: str
    chunk_key: str
    state: str
    age_seconds: float = Field(description="Time since the chunk's event.")
    seconds_left: float = Field(description="Time until ACS deletes the source.")


class HealthView(View):
    """Whether storage and ACS are reachable, and whether open chunks are being processed."""

    status: HealthStatus
    at: datetime
    checks: list[HealthCheckView]
    oldest_open: OldestChunkView | None
