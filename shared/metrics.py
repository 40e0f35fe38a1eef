"""What is counted, through OpenTelemetry's API: a no-op until the platform or the deployer installs an SDK."""

from opentelemetry import metrics

_meter = metrics.get_meter("callvault")

chunks_escalated = _meter.create_counter(
    "callvault.chunks.escalated",
    unit="{chunk}",
    description="Open chunks raised as their deadline neared, by hours left.",
)
chunks_ended = _meter.create_counter(
    "callvault.chunks.ended",
    unit="{chunk}",
    description="Chunks that came to an end, by state: released, failed, lost.",
)
recordings_overdue = _meter.create_counter(
    "callvault.recordings.overdue", unit="{recording}", description="Recordings that ended and whose files never came."
)
