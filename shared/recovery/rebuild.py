"""Rebuilds the catalogue from the archive alone: `python -m shared.rebuild`, and `--apply` to write.

1. Each archived media file that has a metadata file beside it gets its chunk's row, and the row of its recording.
   Existing rows don't change. A file without a digest is read to compute one: a resumed copy in an immutable container
   has none. A file that can't be read, or that contradicts its name, is reported and skipped.
2. All recordings of the catalogue are added to the lists again.

Both steps can be repeated after a crash. Labels come from the blobs' metadata, the number of participants from the
chunks' metadata files. Facts that only the catalogue had stay lost: correlations, the ids of calls, consent, history,
acknowledgements, and the times at which a recording was started and paused.
"""

import argparse
import asyncio
import logging
import sys
from dataclasses import dataclass, field

from shared.archiving.copy.memory import MemoryBudget
from shared.archiving.copy.verification import read_back
from shared.bookkeeping.writers import Writers
from shared.domain.clock import SystemClock
from shared.domain.records import Chunk, Recording
from shared.errors import CallvaultError, DestinationError, DestinationUnavailable, UnreadableRow
from shared.gateways.blobs.archive import ArchivedFile
from shared.gateways.bundle import Gateways
from shared.gateways.clients import Clients
from shared.recovery.list_rebuild import ListRebuild
from shared.recovery.rebuilt_chunk import NEEDED, ChunkFiles, UnreadableFile, check, chunk_of, stem_of
from shared.settings.settings import Settings, load_settings
from shared.settings.settings_file import UnusableSettingsFile, add_settings_option, use_settings_file

_ROUNDS = 5  # tries of a conditional write; each fails only if the app wrote the same recording at the same moment


@dataclass(kw_only=True)
class RebuildCounts:
    """The counts of a rebuild. `unreadable` has the skipped files, each with the reason."""

    recordings: set[str] = field(default_factory=set)
    chunks: int = 0
    written: int = 0
    already_there: int = 0
    without_metadata: int = 0
    without_digest: int = 0
    not_ours: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    listed: int = 0


class Rebuild:
    """Writes missing rows of the catalogue, from the names and metadata of the archive's blobs."""

    def __init__(self, gateways: Gateways, settings: Settings) -> None:
        self._writers = Writers.over(gateways)
        self._gateways, self._settings = gateways, settings
        self._archive, self._catalogue = gateways.archive, gateways.catalogue
        self._budget = MemoryBudget(1)

    async def run(self, *, apply: bool) -> RebuildCounts:
        """Counts, and with `apply` writes. The archive lists blobs by name, so the files of a chunk come together."""
        counts = RebuildCounts()
        waiting: dict[str, ArchivedFile] = {}
        async for file in self._archive.files():
            if not any(name in file.properties for name in NEEDED):
                counts.not_ours += 1
                continue
            try:
                check(file)
                other = waiting.setdefault(stem_of(file), file)
                if other is not file:
                    both = ChunkFiles.of(file, other)
                    del waiting[stem_of(file)]
                    await self._chunk(both, counts, apply=apply)
            except UnreadableFile as error:
                counts.unreadable[file.name] = str(error)
        counts.without_metadata = len(waiting)
        if apply:
            relisted = await ListRebuild(self._gateways, SystemClock(), self._settings).run()
            counts.listed = relisted.recordings
            counts.unreadable.update(relisted.unreadable)
        return counts

    async def _chunk(self, files: ChunkFiles, counts: RebuildCounts, *, apply: bool) -> None:
        """Raises UnreadableFile for a chunk that can't be added to the catalogue."""
        chunk = chunk_of(files, self._settings.retention)
        try:
            is_known = await self._catalogue.chunk(chunk.recording_key, chunk.chunk_key) is not None
        except UnreadableRow:
            raise UnreadableFile("this version can't read the chunk's row in the catalogue") from None
        owner = await self._gateways.links.recording_of_document(chunk.document_id)
        if owner not in (None, chunk.recording_key):
            raise UnreadableFile("the document belongs to another recording")
        if chunk.sha256 is None and not is_known:
            if not apply:
                counts.without_digest += 1
                return
            chunk = chunk.evolve(sha256=await self._read_back(files.media))
        counts.chunks += 1
        counts.recordings.add(chunk.recording_key)
        if is_known:
            counts.already_there += 1
        elif apply:
            await self._add(chunk)
            counts.written += 1

    async def _add(self, chunk: Chunk) -> None:
        """Adds the chunk's row, and those fields of its recording that the catalogue doesn't have."""
        for _ in range(_ROUNDS):
            known = await self._catalogue.ledger(chunk.recording_key)
            kept = known or Recording(recording_key=chunk.recording_key)
            recording = Recording(
                recording_key=chunk.recording_key,
                recording_id=kept.recording_id or chunk.recording_id,
                started_at=kept.started_at or chunk.started_at,
                announced_at=kept.announced_at or chunk.event_time,
                listed_at=kept.listed_at or chunk.started_at,
                labels=kept.labels or chunk.labels,
            )
            chunks = (chunk.evolve(listed_at=recording.listed_at),)
            if await self._writers.recordings.add_chunks(recording, chunks, known) is not None:
                return
        raise DestinationUnavailable.contended("the recording in the catalogue")

    async def _read_back(self, media: ArchivedFile) -> str:
        file = self._archive.file(media.name, content_type=media.content_type, properties=dict(media.properties))
        try:
            return (await read_back(file, self._budget)).sha256
        except DestinationError as error:
            raise UnreadableFile(f"the file has no digest, and reading it failed: {error}") from None


async def _main(*, apply: bool) -> RebuildCounts:
    settings = load_settings()
    clients = Clients(settings)
    try:
        gateways = Gateways.over(clients, settings)
        await (gateways.schema.require() if apply else gateways.schema.check())
        return await Rebuild(gateways, settings).run(apply=apply)
    finally:
        await clients.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m shared.rebuild", description=__doc__)
    parser.add_argument("--apply", action="store_true", help="write what is missing; without it, only count")
    add_settings_option(parser)
    arguments = parser.parse_args()
    apply = arguments.apply
    logging.getLogger("azure").setLevel(logging.WARNING)
    began = SystemClock().now()
    try:
        use_settings_file(arguments.settings)
        counts = asyncio.run(_main(apply=apply))
    except (CallvaultError, UnusableSettingsFile) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    seconds = (SystemClock().now() - began).total_seconds()
    missing = f"{counts.written} were written" if apply else f"{counts.chunks - counts.already_there} are missing"
    sys.stdout.write(
        f"{counts.chunks} chunks of {len(counts.recordings)} recordings in the archive, read in {seconds:.1f} s\n"
        f"{counts.already_there} are in the catalogue already, {missing}\n"
        f"skipped: {counts.without_metadata} files whose media or metadata file is missing, "
        f"{counts.without_digest} without a digest{'' if apply else ' (--apply reads those)'}, "
        f"{counts.not_ours} that aren't Callvault's, {len(counts.unreadable)} that can't be read\n"
    )
    for name, reason in sorted(counts.unreadable.items()):
        sys.stdout.write(f"can't be read: {name!r}: {reason}\n")
    if apply:
        sys.stdout.write(f"{counts.listed} recordings were added to the lists\n")
    else:
        sys.stdout.write("Dry run: nothing was written. To write, add --apply.\n")
    return 1 if counts.unreadable else 0
