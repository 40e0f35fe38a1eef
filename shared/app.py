"""Builds the app: clients, gateways and use cases, once per process, on the event loop that uses them."""

import gc
import logging
from dataclasses import dataclass

from shared.announcing.announcer import Announcing
from shared.archiving.files import FileCopier
from shared.archiving.pipeline import Archiving
from shared.domain.clock import Clock, SystemClock
from shared.domain.random_source import RandomSource
from shared.gateways.bundle import Gateways
from shared.gateways.clients import Clients
from shared.gateways.tables.schema import Schema
from shared.gateways.tables.tallies import Tallies
from shared.http.commands import Commands, UseCases
from shared.http.page import Dashboard
from shared.http.queries import Queries, QueryCases
from shared.intake.dead_letters import DeadLetterTimer
from shared.intake.intake import Intake
from shared.operations.attention import AttentionChecks
from shared.operations.checks import Checks
from shared.operations.expiry import Expiry
from shared.operations.health import Health
from shared.queries.archive_answer import ArchiveAnswer
from shared.queries.downloads import Downloads
from shared.queries.quarantine_list import QuarantineList
from shared.queries.recordings import Listing
from shared.queries.summary import Summary
from shared.queries.timeline import Timeline
from shared.recording.automatic import AutoRecording
from shared.recording.callback_tokens import CallbackTokens
from shared.recording.callback_urls import CallbackUrls
from shared.recording.callbacks import CallbackHandlers, Callbacks
from shared.recording.control import Control
from shared.recording.idempotency import Idempotency
from shared.recording.ledger import LedgerUpdates
from shared.recording.start import Starting
from shared.recovery.acknowledgement import Acknowledging
from shared.recovery.chunk_check import ChunkCheck
from shared.recovery.poison import Poison
from shared.recovery.replay import Replay
from shared.recovery.replay_by_reason import ReasonReplay
from shared.recovery.sweep import Sweep
from shared.settings.settings import Settings

# At INFO the SDKs log the URL and headers of every request, and we can't control what they redact.
logging.getLogger("azure").setLevel(logging.WARNING)


@dataclass(frozen=True, kw_only=True)
class App:
    """The use cases, with all of their dependencies. Await `schema.require()` before a use case that uses the data."""

    schema: Schema
    commands: Commands
    queries: Queries
    dashboard: Dashboard
    intake: Intake
    dead_letters: DeadLetterTimer
    expiry: Expiry
    archiving: Archiving
    sweep: Sweep
    poison: Poison
    clients: Clients
    tallies: Tallies

    @classmethod
    def over(
        cls, settings: Settings, clock: Clock, clients: Clients | None = None, random_source: RandomSource | None = None
    ) -> "App":
        """Builds the app. Must be called on the running event loop, because the clients' connections belong to it."""
        clients = clients or Clients(settings)
        gateways = Gateways.over(clients, settings, random_source)
        announcing = Announcing(gateways, clock)
        copier = FileCopier(gateways, clock, settings)
        starting = Starting(gateways, clock, settings)
        listing = Listing(gateways, clock, settings)
        auto = AutoRecording(gateways, starting, clock, settings)
        intake = Intake(gateways, auto, clock, settings)
        checks = Checks(gateways, clock, settings)
        replay = Replay(gateways, intake, clock, settings)
        cases = UseCases(
            starting=starting,
            control=Control(gateways, clock, settings),
            replay=replay,
            by_reason=ReasonReplay(gateways, replay, clock),
            acknowledging=Acknowledging(gateways, clock),
            completion=ArchiveAnswer(gateways, clock, settings),
            health=Health(checks, clock),
            callbacks=Callbacks(
                gateways,
                clock,
                CallbackTokens(gateways.signing_keys, clock, settings),
                CallbackUrls(settings),
                CallbackHandlers(starting=starting, ledger=LedgerUpdates(gateways, clock, settings), auto=auto),
            ),
        )
        return cls(
            schema=gateways.schema,
            commands=Commands(cases, Idempotency(gateways.requests, clock, gateways.random_source)),
            queries=Queries(
                QueryCases(
                    listing=listing,
                    summary=Summary(gateways, listing, clock),
                    attention=AttentionChecks(gateways, checks, clients, clock, settings),
                    content=Downloads(gateways, clock, settings),
                    timeline=Timeline(gateways, clock, settings),
                    quarantine=QuarantineList(gateways),
                )
            ),
            dashboard=Dashboard(gateways.download_links.origin),
            intake=intake,
            archiving=Archiving(gateways, copier, announcing, clock, settings),
            sweep=Sweep(gateways, ChunkCheck(gateways, copier, announcing, clock, settings), auto, clock, settings),
            poison=Poison(gateways, copier, announcing, clock, settings),
            clients=clients,
            tallies=gateways.tallies,
            dead_letters=DeadLetterTimer(clients, intake, settings),
            expiry=Expiry(gateways, clock),
        )

    async def close(self) -> None:
        """Writes the statistics that are still in memory, and closes all connections."""
        await self.tallies.close()
        await self.clients.close()


class Callvault:
    """The one app of the process. It is built on first use."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._app: App | None = None

    @property
    def app(self) -> App:
        if self._app is None:
            self._app = App.over(self.settings, SystemClock())
            # The objects that exist now are never freed. A full garbage collection would visit all of them each time
            # and block the event loop, with all copies, leases and answers, for too long.
            gc.freeze()
        return self._app
