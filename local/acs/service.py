"""The simulated service. The TLS endpoint and the control API share it."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from local.acs.calls.calls import Calls
from local.acs.calls.recordings import Recordings
from local.acs.delivery.callbacks import Callbacks
from local.acs.delivery.event_grid import EventGrid
from local.acs.delivery.topic import AnnouncementTopic
from local.acs.faults.requested_faults import Faults
from local.acs.finishing import Finisher
from local.acs.media.documents import Documents
from local.acs.request_log import RequestLog


@dataclass(kw_only=True)
class Service:
    directory: Path
    event_delay: float
    retention: float
    oddities: bool = True
    access_key: bytes = field(default_factory=lambda: secrets.token_bytes(64))
    calls: Calls = field(default_factory=Calls)
    documents: Documents = field(default_factory=Documents)
    faults: Faults = field(default_factory=Faults)
    grid: EventGrid = field(default_factory=EventGrid)
    callbacks: Callbacks = field(default_factory=Callbacks)
    log: RequestLog = field(default_factory=RequestLog)
    witness: str | None = None
    """A URL that is called before a document is deleted. The deletion waits for the answer."""
    topic: AnnouncementTopic = field(init=False)
    finisher: Finisher = field(init=False)
    recordings: Recordings = field(init=False)

    def __post_init__(self) -> None:
        self.topic = AnnouncementTopic(faults=self.faults)
        self.finisher = Finisher(
            documents=self.documents,
            faults=self.faults,
            grid=self.grid,
            directory=self.directory,
            event_delay=self.event_delay,
            retention=self.retention,
        )
        self.recordings = Recordings(
            self.documents,
            on_begun=self.callbacks.recording_begun,
            on_changed=self.callbacks.recording_changed,
            on_ended=self.finisher.finish,
        )

    async def open(self) -> None:
        await self.grid.open()
        await self.callbacks.open()

    async def close(self) -> None:
        await self.recordings.close()
        await self.callbacks.close()
        await self.grid.close()
