"""Rebuilds the catalogue from the archive alone: `python -m shared.rebuild`, and `--apply` to write.

Each media file that was archived whole, with its metadata beside it, gets back its row and its recording's. What the
catalogue has already is left as it is. A file without a digest, such as one whose copy was resumed under immutability,
is read back to have one. A file that can't be read, or that contradicts its name, is named and left out. What only the
catalogue knew stays lost: correlations, the call's ids, and the times of starting and pausing. Then all that the
catalogue holds is entered into the lists again.
"""

import argparse
import asyncio
import logging
import sys
from dataclasses import dataclass, field

from shared.archiving.copy.memory import MemoryBudget
from shared.archiving.copy.verification import read_back
from shared.bookkeeping.books import Books
from shared.domain.clock import SystemClock
from shared.domain.records import Chunk, Recording
from shared.errors import CallvaultError, DestinationError, DestinationUnavailable, UnreadableRow
from shared.gateways.blobs.archive import ArchivedFile
from shared.gateways.bundle import Gateways
from shared.gateways.clients import Clients
from shared.recovery.rebuilt_chunk import NEEDED, UnreadableFile, check, chunk_of, is_metadata, stem_of
from shared.recovery.relisting import Relisting
from shared.settings.settings import Settings, load_settings

_ROUNDS = 5  # each is lost only to the app, which wrote the same recording at the same moment


@dataclass(kw_only=True)
class Found:
    """What a rebuild counted. `unreadable`: files that it left out, and why."""

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
    """The catalogue from the archive's blobs and what is kept on them."""

    def __init__(self, gateways: Gateways, settings: Settings) -> None:
        self._books = Books.over(gateways)
        self._gateways, self._settings = gateways, settings
        self._archive, self._catalogue = gateways.archive, gateways.catalogue
        self._budget = MemoryBudget(1)

    async def run(self, *, apply: bool) -> Found:
        """Counts, and with `apply` writes. Files of one chunk follow each other in a listing, which is by name."""
        found = Found()
        waiting: dict[str, ArchivedFile] = {}
        async for file in self._archive.files():
            if not any(name in file.properties for name in NEEDED):
                found.not_ours += 1
                continue
            try:
                check(file)
                pair = _paired(file, waiting)
                if pair is not None:
                    await self._chunk(*pair, found, apply=apply)
            except UnreadableFile as error:
                found.unreadable[file.name] = str(error)
        found.without_metadata = len(waiting)
        if apply:
            relisted = await Relisting(self._gateways, SystemClock(), self._settings).run()
            found.listed = relisted.recordings
            found.unreadable.update(relisted.unreadable)
        return found

    async def _chunk(self, media: ArchivedFile, metadata: ArchivedFile, found: Found, *, apply: bool) -> None:
        """Raises UnreadableFile for a chunk that can't be entered."""
        chunk = chunk_of(media, metadata, self._settings.retention)
        try:
            is_known = await self._catalogue.chunk(chunk.recording_key, chunk.chunk_key) is not None
        except UnreadableRow:
            raise UnreadableFile("the catalogue has a row of it that this version can't read") from None
        owner = await self._gateways.links.recording_of_document(chunk.document_id)
        if owner not in (None, chunk.recording_key):
            raise UnreadableFile("the document belongs to another recording")
        if chunk.sha256 is None and not is_known:
            if not apply:
                found.without_digest += 1
                return
            chunk = chunk.evolve(sha256=await self._read_back(media))
        found.chunks += 1
        found.recordings.add(chunk.recording_key)
        if is_known:
            found.already_there += 1
        elif apply:
            await self._enter(chunk)
            found.written += 1

    async def _enter(self, chunk: Chunk) -> None:
        """Adds the chunk, and to its recording what the catalogue doesn't know."""
        told = {
            "recording_id": chunk.recording_id,
            "started_at": chunk.started_at,
            "announced_at": chunk.event_time,
            "listed_at": chunk.started_at,
        }
        for _ in range(_ROUNDS):
            known = await self._catalogue.ledger(chunk.recording_key)
            kept = {name: getattr(known, name, None) or value for name, value in told.items()}
            recording = Recording(recording_key=chunk.recording_key).evolve(**kept)
            chunks = (chunk.evolve(listed_at=recording.listed_at),)
            if await self._books.recordings.announce(recording, chunks, known) is not None:
                return
        raise DestinationUnavailable("entering a chunk into the catalogue: the app was faster each time")

    async def _read_back(self, media: ArchivedFile) -> str:
        file = self._archive.file(media.name, content_type=media.content_type, properties=dict(media.properties))
        try:
            return (await read_back(file, self._budget)).sha256
        except DestinationError as error:
            raise UnreadableFile(f"has no digest, and reading it back failed: {error}") from None


def _paired(file: ArchivedFile, waiting: dict[str, ArchivedFile]) -> tuple[ArchivedFile, ArchivedFile] | None:
    """Media and metadata of a chunk once both were listed. Raises UnreadableFile for a second file of one kind."""
    stem = stem_of(file)
    other = waiting.get(stem)
    if other is None:
        waiting[stem] = file
        return None
    if is_metadata(file) == is_metadata(other):
        raise UnreadableFile("another file of the chunk has come before it")
    del waiting[stem]
    return (other, file) if is_metadata(file) else (file, other)


async def _main(*, apply: bool) -> Found:
    settings = load_settings()
    clients = Clients(settings)
    try:
        return await Rebuild(Gateways.over(clients, settings), settings).run(apply=apply)
    finally:
        await clients.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m shared.rebuild", description=__doc__)
    parser.add_argument("--apply", action="store_true", help="write what is missing; without it, only count")
    apply = parser.parse_args().apply
    logging.getLogger("azure").setLevel(logging.WARNING)
    began = SystemClock().now()
    try:
        found = asyncio.run(_main(apply=apply))
    except CallvaultError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    seconds = (SystemClock().now() - began).total_seconds()
    missing = f"{found.written} were written" if apply else f"{found.chunks - found.already_there} are missing"
    sys.stdout.write(
        f"{found.chunks} chunks of {len(found.recordings)} recordings in the archive, read in {seconds:.1f} s\n"
        f"{found.already_there} are in the catalogue already, {missing}\n"
        f"left out: {found.without_metadata} files without their other half, {found.without_digest} without a digest"
        f"{'' if apply else ' (those are read with --apply)'}, "
        f"{found.not_ours} that aren't Callvault's, {len(found.unreadable)} that can't be read\n"
    )
    for name, reason in sorted(found.unreadable.items()):
        sys.stdout.write(f"can't be read: {name!r}: {reason}\n")
    if apply:
        sys.stdout.write(f"{found.listed} recordings were entered into the lists\n")
    else:
        sys.stdout.write("Nothing was written: this was a dry run. Add --apply to write.\n")
    return 1 if found.unreadable else 0
