"""The whole app over storage, ACS and a topic in memory: from an event to the deleted source in milliseconds."""

import functools
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.acs.media.wav import HEADER_SIZE, wav_header
from local.memory.acs import Document, MemoryAcs
from local.memory.clients import MemoryClients, provision
from local.memory.clock import HandClock
from local.memory.events import DELETE_HOST, HOST, SERVER_CALL_ID, files_reported
from local.memory.host import Host
from local.memory.storage.account import Account, Operation, Turn, apply_at_once
from local.memory.storage.entities import Row, Table
from local.memory.topic import MemoryTopic
from shared.bookkeeping.writers import Writers
from shared.contracts.jobs import ChunkJob
from shared.domain.keys import key_of
from shared.domain.records import Chunk
from shared.gateways.bundle import Gateways
from shared.settings.settings import Settings, load_settings

if TYPE_CHECKING:
    from local.memory.storage.block_blobs import Container

MEBIBYTE = 1024 * 1024
_SAFE = ("archived", "released")  # states
ANNOUNCING = {  # settings with which the app announces
    "announce_topic_endpoint": "https://memory.westeurope-1.eventgrid.azure.net/api/events",
    "announce_topic_key": "a2V5",
}


@functools.cache
def memory_settings(**more: Any) -> Settings:
    return load_settings(
        acs_connection_string="endpoint=https://memory.communication.azure.com/;accesskey=a2V5",
        AzureWebJobsStorage="AccountName=memory;AccountKey=a2V5",
        **{"block_size_mib": 1, **more},
    )


def document(document_id: str, *, size: int = 4096) -> Document:
    """A wav file of `size` bytes, which differ from one document to another."""
    sound = random.Random(document_id).randbytes(256)
    data = (sound * (size // 256 + 1))[: (size - HEADER_SIZE) // 2 * 2]
    return Document(
        content_location=f"{HOST}/{document_id}/content/audio",
        metadata_location=f"{HOST}/{document_id}/content/acsmetadata",
        delete_location=f"{DELETE_HOST}/{document_id}",
        media=wav_header(len(data), 1) + data,
        metadata=f'{{"chunkDocumentId":"{document_id}","chunkIndex":0,"resourceId":"r","callId":"c"}}'.encode(),
    )


def event_of(recording_id: str, *document_ids: str) -> dict[str, Any]:
    return files_reported(
        recording_id,
        document_ids,
        server_call_id=SERVER_CALL_ID,
        started="2026-11-21T09:05:28.1234567Z",
        at="2026-11-21T09:59:11.7654321Z",
    )


@dataclass(frozen=True, kw_only=True)
class World:
    """One account, one ACS, one host."""

    account: Account
    acs: MemoryAcs
    topic: MemoryTopic
    clock: HandClock
    host: Host
    settings: Settings
    gateways: Gateways  # for a test's own questions: no mishap reaches them

    @classmethod
    async def made(cls, *documents: Document, **settings: Any) -> "World":
        clock, given = HandClock(), memory_settings(**settings)
        account = Account(clock, random.Random(1))
        await provision(account, given)
        acs, topic = MemoryAcs(account, list(documents)), MemoryTopic(account)
        clients: Any = MemoryClients(account, acs, given)
        return cls(
            account=account,
            acs=acs,
            topic=topic,
            clock=clock,
            host=Host(account, acs, topic, clock, given),
            settings=given,
            gateways=Gateways.over(clients, given),
        )

    async def run(self, *, rounds: int) -> int:
        """Runs rounds until nothing is left to do; returns how many it took, or fails after `rounds`."""
        for number in range(1, rounds + 1):
            await self.host.round()
            if not self.left() and self.host.has_delivered:
                return number
        raise AssertionError(f"work is left after {rounds} rounds: {self.left()}")

    @property
    def writers(self) -> Writers:
        return Writers.over(self.gateways)

    def left(self) -> list[Any]:
        """Worklist rows and messages."""
        rows = [*self.rows(self.settings.worklist_table)]
        return rows + [message for queue in self.account.queues.values() for message in queue.messages]

    async def chunk(self, recording_id: str, document_id: str) -> Chunk:
        found = await self.gateways.catalogue.chunk(key_of(recording_id), key_of(document_id))
        assert found is not None
        return found

    def rows(self, table: str) -> dict[Any, Row]:
        found: Table = self.account.tables[table]
        return dict(found.rows)

    def files(self, container: str) -> dict[str, bytes]:
        found: Container = self.account.containers[container]
        return {name: found.find(name).data for name in found.names()}

    @property
    def archive(self) -> dict[str, bytes]:
        return self.files(self.settings.archive_container)

    def jobs(self) -> list[ChunkJob]:
        """What is on the queue, due or not."""
        return [ChunkJob.decode(one.text) for one in self.account.queues[self.settings.chunks_queue].messages]

    def quarantined(self) -> list[bytes]:
        return list(self.files(self.settings.quarantine_container).values())

    def is_archived(self, one: Document) -> bool:
        """Whether the archive has both files of a document, byte for byte."""
        held = list(self.archive.values())
        return one.media in held and one.metadata in held

    def is_recorded(self, one: Document) -> bool:
        """Whether the catalogue has the document's chunk as archived."""
        rows = [row.entity for row in self.rows(self.settings.recordings_table).values()]
        return any(
            row.get("deleteLocation") == one.delete_location and row["state"] in _SAFE
            for row in rows
            if row["RowKey"].startswith("chunk-")
        )

    def watched(self, turn: Turn = apply_at_once) -> Turn:
        """A turn that fails the test as soon as a source is deleted whose document isn't archived and recorded."""
        world = self

        async def watch[T](operation: Operation, apply: Callable[[], T], /) -> T:
            if operation.method == "delete_recording":
                doomed = [one for one in world.acs.documents if one.delete_location == operation.target]
                for one in doomed:
                    assert world.is_archived(one), "a source is deleted that isn't archived"
                    assert world.is_recorded(one), "a source is deleted that isn't recorded as archived"
            return await turn(operation, apply)

        return watch
