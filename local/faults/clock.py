"""One compressed clock for all workers: a day passes in minutes, and every worker agrees on the time.

The rate and the common start are app settings, so the processes need not talk. Delays on the queue shrink by the rate;
the times of events, which the simulator gives in real time, are read in compressed time, so that deadlines fit.
"""

import asyncio
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import shared.app
from shared.gateways.jobs import Jobs
from shared.intake import Intake

START_SETTING, RATE_SETTING = "CALLVAULT_FAULTS_CLOCK_START", "CALLVAULT_FAULTS_CLOCK_RATE"


@dataclass(frozen=True, kw_only=True)
class Compression:
    """Since `start`, a real second is `rate` seconds."""

    start: datetime
    rate: float

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Self | None:
        if RATE_SETTING not in settings:
            return None
        return cls(start=datetime.fromisoformat(settings[START_SETTING]), rate=float(settings[RATE_SETTING]))

    def settings(self) -> dict[str, str]:
        return {START_SETTING: self.start.isoformat(), RATE_SETTING: str(self.rate)}

    def moment(self, real: datetime) -> datetime:
        """The compressed time of a moment in real time."""
        return self.start + (real - self.start) * self.rate


class CompressedClock:
    """Stands in for the product's SystemClock."""

    def __init__(self, compression: Compression) -> None:
        self._compression = compression

    def now(self) -> datetime:
        return self._compression.moment(datetime.now(UTC))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._compression.rate)


def install(compression: Compression) -> None:
    """To be called before the app is made."""
    vars(shared.app)["SystemClock"] = functools.partial(CompressedClock, compression)
    _shrink_delays(compression.rate)
    _map_event_times(compression)


def _shrink_delays(rate: float) -> None:
    original = Jobs.send

    @functools.wraps(original)
    async def send(self: Any, job: Any, *, delay: float = 0) -> None:
        await original(self, job, delay=delay / rate)

    Jobs.send = send  # type: ignore[method-assign] # this process's own, for as long as it lives


def _map_event_times(compression: Compression) -> None:
    original = Intake.receive

    @functools.wraps(original)
    async def receive(self: Any, envelope: dict[str, Any]) -> Any:
        told = envelope.get("eventTime")
        real = datetime.fromisoformat(told) if isinstance(told, str) else told
        if isinstance(real, datetime):
            zoned = real if real.tzinfo else real.replace(tzinfo=UTC)
            envelope = envelope | {"eventTime": compression.moment(zoned).isoformat()}
        return await original(self, envelope)

    Intake.receive = receive  # type: ignore[method-assign] # as above
