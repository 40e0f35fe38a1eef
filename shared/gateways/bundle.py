"""All gateways of the process, over one set of clients."""

from dataclasses import dataclass

from shared.gateways.acs.media import MediaSource
from shared.gateways.acs.recorder import CallRecorder
from shared.gateways.acs.signing_keys import SigningKeys
from shared.gateways.blobs.archive import Archive
from shared.gateways.blobs.archive_reader import Archived
from shared.gateways.blobs.download_links import ReadLinks
from shared.gateways.blobs.quarantine import Quarantine
from shared.gateways.clients import Clients
from shared.gateways.queue import Jobs
from shared.gateways.tables.audit import Audit
from shared.gateways.tables.catalogue import Catalogue
from shared.gateways.tables.claims import Claims
from shared.gateways.tables.expired_rows import Leftovers
from shared.gateways.tables.links import Links
from shared.gateways.tables.lists import Lists
from shared.gateways.tables.requests import Requests
from shared.gateways.tables.starts import Starts
from shared.gateways.tables.tallies import Tallies
from shared.gateways.tables.worklist import Worklist
from shared.gateways.topic import Topic
from shared.settings.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Gateways:
    """What the use cases reach the world through."""

    recorder: CallRecorder
    source: MediaSource
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
    leftovers: Leftovers
    jobs: Jobs
    archive: Archive
    archived: Archived
    quarantine: Quarantine
    read_links: ReadLinks
    topic: Topic | None

    @classmethod
    def over(cls, clients: Clients, settings: Settings) -> "Gateways":
        return cls(
            recorder=CallRecorder(clients.calls),
            source=MediaSource(clients.calls),
            catalogue=Catalogue(clients.tables, settings.recordings_table),
            lists=Lists(clients.tables, settings.calendar_table),
            participants=Lists(clients.tables, settings.participants_table),
            tallies=Tallies(clients.tables, settings.calendar_table),
            audit=Audit(clients.tables, settings.recordings_table),
            worklist=Worklist(clients.tables, settings.worklist_table),
            links=Links(clients.tables, settings.links_table),
            claims=Claims(clients.tables, settings.links_table),
            starts=Starts(clients.tables, settings.links_table),
            signing_keys=SigningKeys(clients.keys, settings.callback_openid_url),
            requests=Requests(clients.tables, settings.requests_table),
            leftovers=Leftovers(
                clients.tables, requests_table=settings.requests_table, links_table=settings.links_table
            ),
            jobs=Jobs(clients.queue, clients.poison),
            archive=Archive(clients.archive, settings.archive_container),
            quarantine=Quarantine(clients.archive, settings.quarantine_container),
            archived=Archived(clients.archive, settings.archive_container),
            read_links=ReadLinks(clients.archive, settings.archive_container),
            topic=Topic(clients.topic) if clients.topic else None,
        )
