"""People: their requests for a replay, and the harm that somebody does to archived files."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from azure.storage.blob import ContentSettings

from local.memory.storage.block_blobs import Written
from local.simulation.callers.history import History
from local.simulation.callers.platform import Platform
from local.simulation.world.cluster import Outcome
from local.simulation.world.outside import Call

_STANDS_STILL = 60.0  # seconds; longer than a check of the archive counts


@dataclass
class People:
    """Sends requests and tampers with files. `harmed` is called with the name of each changed file."""

    platform: Platform
    history: History
    harmed: Callable[[str], None] = lambda _: None
    watched: set[str] = field(default_factory=set)  # documents whose files are removed when they are archived

    def replay(self, at: float, recording_id: str, document_id: str) -> None:
        """Somebody requests a replay at some time. It may fail."""
        self.platform.spawn(self._replay(at, recording_id, document_id))

    async def _replay(self, at: float, recording_id: str, document_id: str) -> None:
        await asyncio.sleep(at)
        self.history.requested[recording_id]["replay"] += 1
        outcome = await self.platform.invoke(
            "replay", lambda app: app.commands.replay(recording_id, document_id, by="operator")
        )
        self.history.confirmed[recording_id]["replay"] += outcome is Outcome.DONE

    def tamper(self, at: float, document_id: str, replacement: bytes | None) -> None:
        """Somebody removes an archived file of a document, or replaces its media, if its source isn't deleted yet."""
        self.platform.spawn(self._tampered(at, document_id, replacement))

    def saw(self, call: Call) -> None:
        """A call changed the catalogue: removes the files of a watched document that it made archived."""
        rows = self.platform.account.tables[self.platform.settings.recordings_table].rows.values()
        archived = {str(one.entity.get("documentId")) for one in rows if one.entity.get("state") == "archived"}
        for document_id in sorted(self.watched & archived):
            self.watched.remove(document_id)
            self.platform.loop.freeze(call.process, _STANDS_STILL)
            archive = self.platform.account.containers[self.platform.settings.archive_container]
            for name in [one for one in archive.names() if document_id in one]:
                self.platform.trace.step("somebody", f"removes {name}")
                archive.delete(name, None)
                self.harmed(name)

    async def _tampered(self, at: float, document_id: str, replacement: bytes | None) -> None:
        cluster = self.platform.cluster
        await asyncio.sleep(at)
        while any(host.jobs for host in cluster.hosts):  # noqa: ASYNC110 - no event is set for it
            await asyncio.sleep(1)  # between its check and the delete, a job can't notice it
        source = next(one for one in cluster.acs.sources if one.document_id == document_id)
        archive = self.platform.account.containers[self.platform.settings.archive_container]
        files = [name for name in archive.names() if document_id in name]
        if replacement is not None:  # judges read the metadata
            files = [name for name in files if not name.endswith(".json")]
        if not files or source.is_deleted:
            return
        name = self.platform.rng.choice(files)
        self.platform.trace.step("somebody", f"{'removes' if replacement is None else 'replaces'} {name}")
        if replacement is None:
            archive.delete(name, None)
        else:
            archive.put(name, Written(replacement, ContentSettings(), {}), overwrite=True)
        self.harmed(name)
