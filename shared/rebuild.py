"""Rebuilds the catalogue from the archive alone: `python -m shared.rebuild`, and `--apply` to write.

Each media file that was archived whole, with its metadata beside it, gets back its row and its recording's. What the
catalogue has already is left as it is. A file without a digest, such as one whose copy was resumed under immutability,
is read back to have one. What only the catalogue knew stays lost: correlations, the call's ids, and the times of
starting and pausing. Then all that the catalogue holds is entered into the lists again.
"""

import argparse
import asyncio
import logging
import sys
from dataclasses import dataclass, field
from datetime import datetime

from shared.budget import MemoryBudget
from shared.clock import SystemClock
from shared.errors import CallvaultError, DestinationConflict
from shared.gateways.archive import ArchivedFile
from shared.gateways.bundle import Gateways
from shared.gateways.clients import Clients
from shared.identity import key_of
from shared.readback import read_back
from shared.records import Chunk, Recording
from shared.relisting import Relisting
from shared.settings import Settings, load_settings
from shared.states import ChunkState

_METADATA_SUFFIX = ".metadata.json"
_UNVERIFIED_SUFFIX = ".unverified"  # before the extension of a file that was stored without proof
_NEEDED = ("documentid", "recordingkey", "chunkindex", "startedat", "eventtime")


@dataclass(kw_only=True)
class Found:
    """What a rebuild counted."""

    recordings: set[str] = field(default_factory=set)
    chunks: int = 0
    written: int = 0
    already_there: int = 0
    without_metadata: int = 0
    without_digest: int = 0
    not_ours: int = 0
    listed: int = 0


class Rebuild:
    """The catalogue from the archive's blobs and what is kept on them."""

    def __init__(self, gateways: Gateways, settings: Settings) -> None:
        self._gateways, self._settings = gateways, settings
        self._archive, self._catalogue = gateways.archive, gateways.catalogue
        self._budget = MemoryBudget(1)

    async def run(self, *, apply: bool) -> Found:
        """Counts, and with `apply` writes. Files of one chunk follow each other in a listing, which is by name."""
        found = Found()
        waiting: dict[str, ArchivedFile] = {}
        async for file in self._archive.files():
            stem = _stem(file)
            if any(name not in file.properties for name in _NEEDED):
                found.not_ours += 1
            elif (other := waiting.pop(stem, None)) is None:
                waiting[stem] = file
            else:
                media, metadata = (other, file) if _is_metadata(file) else (file, other)
                await self._chunk(media, metadata, found, apply=apply)
        found.without_metadata = len(waiting)
        if apply:
            found.listed = await Relisting(self._gateways, SystemClock(), self._settings).run()
        return found

    async def _chunk(self, media: ArchivedFile, metadata: ArchivedFile, found: Found, *, apply: bool) -> None:
        chunk = _chunk(media, metadata, self._settings)
        is_known = await self._catalogue.chunk(chunk.recording_key, chunk.chunk_key) is not None
        if chunk.sha256 is None and not is_known:
            digest = await self._read_back(media) if apply else None
            if digest is None:
                found.without_digest += 1
                return
            chunk = chunk.evolve(sha256=digest)
        found.chunks += 1
        found.recordings.add(chunk.recording_key)
        if is_known:
            found.already_there += 1
        elif apply:
            recording = Recording(
                recording_key=chunk.recording_key,
                recording_id=chunk.recording_id,
                started_at=chunk.started_at,
                announced_at=chunk.event_time,
                listed_at=chunk.started_at,
            )
            known = await self._catalogue.ledger(chunk.recording_key)
            if known is not None:
                recording = recording.evolve(listed_at=known.listed_at or chunk.started_at)
            await self._catalogue.announce(recording, (chunk.evolve(listed_at=recording.listed_at),), known)
            found.written += 1

    async def _read_back(self, media: ArchivedFile) -> str | None:
        file = self._archive.file(media.name, content_type=media.content_type, properties=dict(media.properties))
        try:
            return (await read_back(file, self._budget)).sha256
        except DestinationConflict:
            return None


def _is_metadata(file: ArchivedFile) -> bool:
    return file.name.endswith(_METADATA_SUFFIX)


def _stem(file: ArchivedFile) -> str:
    """What the names of a chunk's files have in common."""
    if _is_metadata(file):
        return file.name.removesuffix(_METADATA_SUFFIX)
    return file.name.rpartition(".")[0].removesuffix(_UNVERIFIED_SUFFIX)


def _chunk(media: ArchivedFile, metadata: ArchivedFile, settings: Settings) -> Chunk:
    kept = media.properties
    event_time = datetime.fromisoformat(kept["eventtime"])
    return Chunk(
        recording_key=kept["recordingkey"],
        chunk_key=key_of(kept["documentid"]),
        recording_id=kept.get("recordingid"),
        document_id=kept["documentid"],
        index=int(kept["chunkindex"]),
        end_reason=kept.get("endreason"),
        content_location="",
        metadata_location="",
        delete_location="",
        format=media.name.rpartition(".")[2],
        started_at=datetime.fromisoformat(kept["startedat"]),
        event_id="",
        event_time=event_time,
        deadline=event_time + settings.retention,
        state=ChunkState.ARCHIVED,
        pending_at=event_time,
        archived_at=media.archived_at,
        blob_name=media.name,
        size=media.size,
        sha256=kept.get("sha256"),
        metadata_blob_name=metadata.name,
        metadata_size=metadata.size,
        metadata_sha256=metadata.properties.get("sha256"),
        unverified="stored without proof" if media.name.rpartition(".")[0].endswith(_UNVERIFIED_SUFFIX) else None,
        detail="rebuilt from the archive",
    )


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
        f"{found.not_ours} that aren't Callvault's\n"
    )
    if apply:
        sys.stdout.write(f"{found.listed} recordings were entered into the lists\n")
    else:
        sys.stdout.write("Nothing was written: this was a dry run. Add --apply to write.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
