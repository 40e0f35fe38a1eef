"""The health of the app, for monitors that ask every minute."""

from datetime import datetime

from shared.contracts.http.health import HealthCheckView, HealthStatus, HealthView, OldestChunkView
from shared.domain.clock import Clock
from shared.domain.records import Chunk
from shared.operations.checks import Checks


class Health:
    """Runs all checks and returns their results."""

    def __init__(self, checks: Checks, clock: Clock) -> None:
        self._checks, self._clock = checks, clock

    async def check(self) -> HealthView:
        """Raises nothing: a service that can't be reached is a failed check."""
        checked = await self._checks.run()
        now = self._clock.now()
        return HealthView(
            status=HealthStatus.OK if all(check.ok for check in checked.checks) else HealthStatus.DANGER,
            at=now,
            checks=[
                HealthCheckView(name=check.name, ok=check.ok, reason=check.reason, detail=check.detail)
                for check in checked.checks
            ],
            oldest_open=None if checked.oldest is None else _shown(checked.oldest, now),
        )


def _shown(chunk: Chunk, now: datetime) -> OldestChunkView:
    return OldestChunkView(
        recording_key=chunk.recording_key,
        chunk_key=chunk.chunk_key,
        state=chunk.state,
        age_seconds=(now - chunk.event_time).total_seconds(),
        seconds_left=(chunk.deadline - now).total_seconds(),
    )
