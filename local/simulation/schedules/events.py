"""The events that Event Grid delivers about a recording's files, as ACS publishes them."""

from datetime import timedelta
from typing import Any

from local.memory.events import SERVER_CALL_ID, files_reported
from local.simulation.world.cluster import BEGIN
from local.simulation.world.sources import Source


def event_of(
    recording_id: str, sources: tuple[Source, ...], at: float, server_call_id: str = SERVER_CALL_ID
) -> dict[str, Any]:
    """`at`: seconds after the beginning of the run."""
    when = f"{BEGIN + timedelta(seconds=at):%Y-%m-%dT%H:%M:%S.%f}0Z"
    return files_reported(
        recording_id,
        [one.document_id for one in sources],
        server_call_id=server_call_id,
        started=when,
        at=when,
    )
