"""Row 1: copies files of several sizes to Azurite and to a sink without storage. The contestants take turns.

Each copy has a new storage and is checked afterwards. If the file is missing or incomplete, the bench fails.
"""

import asyncio
import hashlib
import random
import sys
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from azure.storage.blob import ContainerSasPermissions, generate_container_sas
from azure.storage.blob.aio import ContainerClient

from bench.copying.job import MEDIA_HOST, CopyJob
from bench.copying.results import MD5, NAMES, PARTS, human, of_azurite, of_nothing, table
from bench.load import Load, load_before
from bench.measurement import GIB, MIB, Measurement
from bench.options import Options
from bench.programs import BenchError, require
from bench.report import Findings, Table, Target
from bench.rounds import turns
from bench.servers import Sink, Source, azurite_sink, null_sink, null_tls_sink, source
from local.acs.media.wav import HEADER_SIZE, wav_header
from local.processes.child_processes import clean_environment
from local.stack.azurite import ACCOUNT, ACCOUNT_KEY
from local.stack.options import CHECKOUT
from shared.domain.files.checksums import ChecksumKind

_CONTAINER = "bench"
_BLOCK_SIZE, _IN_FLIGHT = 8 * MIB, 4  # the product's defaults
_INTO_AZURITE = ("ours", "ours-md5", "rclone", "plain", "quickstart", "limit", "digests-md5")
# rclone reads the stored blob, so it can't take part.
_INTO_NOTHING = ("ours", "plain", "quickstart", "limit", *PARTS)
_OVER_TLS = ("ours", "limit", *PARTS)  # the synchronous SDKs trust only the certificates of certifi
_WITHOUT_UPLOAD = ("download", "digests", f"digests{MD5}")

Series = dict[str, list[Measurement]]


async def copying(options: Options) -> Findings:
    require("nginx", "rclone", "curl")
    media, served_from = options.place / "media", options.place / "source"
    for directory in (media, served_from):
        directory.mkdir()
    sizes = [size * MIB for size in options.sizes]
    digests = {size: _make(media / f"{size}.wav", size) for size in sizes}
    tables: list[Table] = []
    targets: list[Target] = []
    async with source(served_from, media) as served:
        for size in sizes:
            copies = _Copies(options, served, size, digests[size])
            stored = await copies.compared("Azurite", azurite_sink, _INTO_AZURITE)
            tables.append(table(f"{human(size)} into Azurite", stored, size))
            targets += of_azurite(size, stored)
            for title, sink, contestants in (
                ("a sink that keeps nothing", null_sink, _INTO_NOTHING),
                ("the same sink over TLS", null_tls_sink(served), _OVER_TLS),
            ):
                discarded = await copies.compared(title, sink, contestants)
                tables.append(table(f"{human(size)} into {title}", discarded, size))
                targets += of_nothing(size, title, discarded)
    title = f"Copy: one file of {' and '.join(map(human, sizes))} over TLS"
    return Findings(title=title, tables=tables, targets=targets)


class _Copies:
    """All copies of one file."""

    def __init__(self, options: Options, served: Source, size: int, sha256: str) -> None:
        self._options, self._source, self._size, self._sha256 = options, served, size, sha256

    async def compared(
        self, title: str, sink: Callable[[Path], AbstractAsyncContextManager[Sink]], contestants: tuple[str, ...]
    ) -> dict[str, Measurement]:
        """The median measurement of each contestant."""
        chosen = [one for one in contestants if not self._options.only or one in self._options.only]
        found: Series = defaultdict(list)
        for number, name in turns(chosen, self._options.rounds):
            with TemporaryDirectory(dir=self._options.place) as place:
                async with sink(Path(place)) as target:
                    measured = await self._copy(name, target, check=number == 0)
            found[name].append(measured)
            speed = self._size / MIB / measured.wall
            self._options.console.print(
                f"  {human(self._size)} into {title}, round {number + 1}: {NAMES[name]} "
                f"{measured.wall:.2f} s, {speed:.0f} MiB/s, {measured.cpu:.2f} CPU s",
                highlight=False,
            )
        return {name: Measurement.typical(found[name]) for name in chosen}

    async def _copy(self, name: str, sink: Sink, *, check: bool) -> Measurement:
        if sink.taken is None:
            await _warmed(sink)
        job = self._job(name, sink)
        before = sink.bytes_taken() or 0
        measured = await self._measured(name, job, sink)
        if name not in _WITHOUT_UPLOAD:
            taken = sink.bytes_taken()
            if taken is None:
                await self._verify(job, contents=check and self._size <= GIB)
            elif taken - before < self._size:
                raise BenchError(f"{NAMES[name]} sent {taken - before} of {self._size} bytes")
        return measured

    async def _measured(self, name: str, job: CopyJob, sink: Sink) -> Measurement:
        """With the share of the machine that other programs used `before` and `during` the run."""
        servers = (self._source.pid, sink.pid)
        earlier, began = await load_before(servers), Load.now(servers)
        measured = await _run(name, job)
        measured.more.update(before=earlier, during=Load.now(servers).others_since(began))
        return measured

    def _job(self, name: str, sink: Sink) -> CopyJob:
        until = datetime.now(UTC) + timedelta(hours=1)
        may = ContainerSasPermissions(read=True, write=True, create=True, list=True, add=True)
        return CopyJob(
            url=f"https://{MEDIA_HOST}/{self._size}.wav",
            address=self._source.address,
            ca=str(self._source.ca),
            size=self._size,
            storage=sink.connection_string,
            container=_CONTAINER,
            blob=f"{name}.wav",
            sas=generate_container_sas(ACCOUNT, _CONTAINER, ACCOUNT_KEY, permission=may, expiry=until),
            block_size=_BLOCK_SIZE,
            in_flight=_IN_FLIGHT,
            checksum=ChecksumKind.MD5 if name.endswith(MD5) else ChecksumKind.CRC64,
            keeps=sink.taken is None,
            profile=self._options.profile and name.startswith("ours"),
        )

    async def _verify(self, job: CopyJob, *, contents: bool) -> None:
        async with ContainerClient.from_connection_string(job.storage, job.container) as container:
            blob = container.get_blob_client(job.blob)
            size = (await blob.get_blob_properties()).size
            if size != self._size:
                raise BenchError(f"{job.blob} has {size} of {self._size} bytes")
            if contents:
                digest = hashlib.sha256()
                async for piece in (await blob.download_blob(max_concurrency=2)).chunks():
                    digest.update(piece)
                if digest.hexdigest() != self._sha256:
                    raise BenchError(f"{job.blob} differs from the source")


async def _run(name: str, job: CopyJob) -> Measurement:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.copying.contestant", name.removesuffix(MD5), job.as_json()),
        cwd=CHECKOUT,
        env=clean_environment({"SSL_CERT_FILE": job.ca}),  # of the sink, too
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise BenchError(f"{NAMES[name]} ended with exit code {process.returncode}")
    return Measurement.from_json(output.splitlines()[-1])


async def _warmed(sink: Sink) -> None:
    """Creates the container and uploads some blocks, so that no contestant pays for compiling Azurite's code."""
    async with ContainerClient.from_connection_string(sink.connection_string, _CONTAINER) as container:
        await container.create_container()
        blob = container.get_blob_client("warm-up")
        for number in range(4):
            await blob.stage_block(f"{number:05d}", bytes(_BLOCK_SIZE))


def _make(path: Path, size: int) -> str:
    """Writes a wav file of noise. Returns its SHA-256."""
    noise = random.Random(size).randbytes(MIB - 1)  # noqa: S311 - a pattern, not a secret
    digest = hashlib.sha256()
    with path.open("wb") as file:
        piece = wav_header(size - HEADER_SIZE, 1)
        while piece:
            file.write(piece)
            digest.update(piece)
            piece = noise[: size - file.tell()]
    return digest.hexdigest()
