"""All gateways of the process, which share one set of clients."""

from dataclasses import dataclass

from shared.domain.random_source import RandomSource
from shared.gateways.acs.media import MediaSource
from shared.gateways.acs.recorder import CallRecorder
from shared.gateways.acs.signing_keys import SigningKeys
from shared.gateways.blobs.archive import Archive
from shared.gateways.blobs.archive_reader import ArchiveReader
from shared.gateways.blobs.download_links import DownloadLinks
from shared.gateways.blobs.quarantine import Quarantine
from shared.gateways.clients import Clients
from shared.gateways.queue import JobQueue
from shared.gateways.tables.audit import Audit
from shared.gateways.tables.catalogue import Catalogue
from shared.gateways.tables.claims import Claims
from shared.gateways.tables.expired_rows import ExpiredRows
from shared.gateways.tables.links import Links
from shared.gateways.tables.lists import Lists
from shared.gateways.tables.requests import Requests
from shared.gateways.tables.schema import Schema
from shared.gateways.tables.starts import Starts
from shared.gateways.tables.tallies import Tallies
from shared.gateways.tables.worklist import Worklist
from shared.gateways.topic import Topic
from shared.settings.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Gateways:
    """Everything that use cases need outside the process."""

    recorder: CallRecorder
    source: MediaSource
    schema: Schema
    catalogue: Catalogue
    lists: Lists
    participants: Lists
    tallies: Tallies
    audit: Audit
    worklist: Worklist
    links: Links
    starts: Starts
    claims: Claims
    signing_keys: SigningKeys
    requests: Requests
    expired_rows: ExpiredRows
    jobs: JobQueue
    archive: Archive
    archive_reader: ArchiveReader
    quarantine: Quarantine
    download_links: DownloadLinks
    topic: Topic | None
    random_source: RandomSource

    @classmethod
    def over(cls, clients: Clients, settings: Settings, random_source: RandomSource | None = None) -> "Gateways":
        random_source = random_source or RandomSource()
        return cls(
            recorder=CallRecorder(clients.calls),
            source=MediaSource(clients.calls),
            schema=Schema(clients.tables, settings.links_table),
            catalogue=Catalogue(clients.tables, settings.recordings_table, random_source),
            lists=Lists(clients.tables, settings.calendar_table),
            participants=Lists(clients.tables, settings.participants_table),
            tallies=Tallies(clients.tables, settings.calendar_table, random_source),
            audit=Audit(clients.tables, settings.recordings_table, random_source),
            worklist=Worklist(clients.tables, settings.worklist_table, settings.worklist_shards),
            links=Links(clients.tables, settings.links_table),
            claims=Claims(clients.tables, settings.links_table, random_source),
            starts=Starts(clients.tables, settings.links_table),
            signing_keys=SigningKeys(clients.keys, settings.callback_openid_url),
            requests=Requests(clients.tables, settings.requests_table, random_source),
            expired_rows=ExpiredRows(
                clients.tables, requests_table=settings.requests_table, links_table=settings.links_table
            ),
            jobs=JobQueue(clients.queue, clients.poison),
            archive=Archive(clients.archive, settings.archive_container),
            quarantine=Quarantine(clients.archive, settings.quarantine_container),
            archive_reader=ArchiveReader(clients.archive, settings.archive_container),
            download_links=DownloadLinks(clients.archive, settings.archive_container),
            topic=Topic(clients.topic) if clients.topic else None,
            random_source=random_source,
        )
