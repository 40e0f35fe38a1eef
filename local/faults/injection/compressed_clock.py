"""One compressed clock for all workers: a day takes minutes, and each worker's clock may have a fixed skew.

The rate and the common start are app settings, so the processes need not talk. Delays on the queue shrink by the rate;
the times of events, which the simulator gives in real time, are read in compressed time, so that deadlines fit. The
retry pauses of the SDKs shrink less, because at the full rate they would be zero.
"""

import asyncio
import functools
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from azure.core.pipeline.transport import AioHttpTransport

import shared.app
import shared.archiving.release
from shared.gateways.queue import JobQueue
from shared.intake.intake import Intake

START_SETTING, RATE_SETTING = "CALLVAULT_FAULTS_CLOCK_START", "CALLVAULT_FAULTS_CLOCK_RATE"
SKEW_SETTING = "CALLVAULT_FAULTS_CLOCK_SKEW"
_SDK_RATE = 10  # factor by which the SDKs' retry pauses are shortened
_CHECK_SECONDS = 0.7  # real seconds for which a check of the archived files counts as current


@dataclass(frozen=True, kw_only=True)
class Compression:
    """From `start` on, a real second counts as `rate` seconds."""

    start: datetime
    rate: float
    skew: timedelta = timedelta()  # of one process, by the product's clock

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Self | None:
        if RATE_SETTING not in settings:
            return None
        most = float(settings[SKEW_SETTING])
        return cls(
            start=datetime.fromisoformat(settings[START_SETTING]),
            rate=float(settings[RATE_SETTING]),
            skew=timedelta(seconds=random.uniform(-most, most)),  # noqa: S311 - no secret; each process has its own
        )

    def settings(self, *, skew: float) -> dict[str, str]:
        """`skew`: seconds by which a worker's clock may be ahead or behind."""
        return {START_SETTING: self.start.isoformat(), RATE_SETTING: str(self.rate), SKEW_SETTING: str(skew)}

    def moment(self, real: datetime) -> datetime:
        """The compressed time of a moment in real time."""
        return self.start + (real - self.start) * self.rate


class CompressedClock:
    """Stands in for the product's SystemClock."""

    def __init__(self, compression: Compression) -> None:
        self._compression = compression

    def now(self) -> datetime:
        return self._compression.moment(datetime.now(UTC)) + self._compression.skew

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._compression.rate)


def install(compression: Compression) -> None:
    """Call this before the app is created."""
    vars(shared.app)["SystemClock"] = functools.partial(CompressedClock, compression)
    _shrink_delays(compression.rate)
    _shrink_sdk_pauses()
    # Five compressed seconds are shorter than the check itself, so no source would be deleted.
    vars(shared.archiving.release)["_VALID_FOR"] = timedelta(seconds=_CHECK_SECONDS * compression.rate)
    _map_times_of_messages(compression)
    _map_event_times(compression)


def _shrink_delays(rate: float) -> None:
    original = JobQueue.send

    @functools.wraps(original)
    async def send(self: Any, job: Any, *, delay: float = 0) -> None:
        await original(self, job, delay=delay / rate)

    JobQueue.send = send  # type: ignore[method-assign] # in this process only


def _map_times_of_messages(compression: Compression) -> None:
    """Storage reports the time at which a message was queued in real time."""
    original = getattr(JobQueue, "head", None)
    if original is None:
        return

    @functools.wraps(original)
    async def head(self: Any) -> datetime | None:
        found = await original(self)
        return None if found is None else compression.moment(found)

    vars_of: Any = JobQueue
    vars_of.head = head


def _shrink_sdk_pauses() -> None:
    async def sleep(self: Any, duration: float) -> None:
        del self
        await asyncio.sleep(duration / _SDK_RATE)

    AioHttpTransport.sleep = sleep


def _map_event_times(compression: Compression) -> None:
    original = Intake.take

    @functools.wraps(original)
    async def take(self: Any, envelope: dict[str, Any], by: str | None) -> Any:
        for name in ("eventTime", "time"):
            given = envelope.get(name)
            real = datetime.fromisoformat(given) if isinstance(given, str) else given
            if isinstance(real, datetime):
                zoned = real if real.tzinfo else real.replace(tzinfo=UTC)
                envelope = envelope | {name: compression.moment(zoned).isoformat()}
        return await original(self, envelope, by)

    Intake.take = take  # type: ignore[method-assign] # as above
