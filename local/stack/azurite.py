"""Azurite, the storage emulator: blobs, queues and tables on three free ports of 127.0.0.1.

Azurite binds port 0 and reports the ports that the system chose, so several instances never collide. Its state is on
disk in the given directory. A later Azurite in the same directory continues with it.
"""

import contextlib
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local.processes.child_processes import Child, ChildError, Program, running

AZURITE = Path(__file__).parents[1] / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
ACCOUNT = "devstoreaccount1"
# The emulator's well-known key, published by Microsoft. It isn't a secret.
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at (https?://\S+)")
READY_SECONDS = 60
ANY_PORTS = (0, 0, 0)  # blobs, queues, tables


@dataclass(frozen=True, kw_only=True)
class Azurite:
    connection_string: str
    blob_url: str  # all three URLs have the account in their path
    queue_url: str
    table_url: str
    child: Child

    @property
    def pid(self) -> int:
        return self.child.pid

    @property
    def ports(self) -> tuple[int, int, int]:
        """The ports of blobs, queues and tables."""
        blob, queue, table = (urlsplit(url).port or 0 for url in (self.blob_url, self.queue_url, self.table_url))
        return blob, queue, table


@dataclass(frozen=True, kw_only=True)
class Variant:
    """Which Azurite to run, and how."""

    script: Path = AZURITE
    in_memory: bool = False  # the directory then holds only the log
    ports: tuple[int, int, int] = ANY_PORTS  # 0: a free port
    requests_logged: bool = False  # writes a log line for every request
    options: tuple[str, ...] = ()  # more command-line options, for example for TLS


_USUAL = Variant()


@contextlib.asynccontextmanager
async def azurite(
    directory: Path, *, log: Path | None = None, held: Sequence[int] = (), variant: Variant = _USUAL
) -> AsyncIterator[Azurite]:
    """Runs Azurite in a directory. It answers on all three ports when the context is entered."""
    log = log or directory / "azurite.log"
    program = Program(name="azurite", command=_command(directory, variant), log=log, directory=directory, held=held)
    async with running(program) as child:
        urls = await child.until(lambda: _listening(log), within=READY_SECONDS)
        blob, queue, table = (f"{urls[service]}/{ACCOUNT}" for service in ("Blob", "Queue", "Table"))
        yield Azurite(
            connection_string=(
                f"DefaultEndpointsProtocol={blob.partition(':')[0]};AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
                f"BlobEndpoint={blob};QueueEndpoint={queue};TableEndpoint={table};"
            ),
            blob_url=blob,
            queue_url=queue,
            table_url=table,
            child=child,
        )


def _command(directory: Path, variant: Variant) -> list[str]:
    node = shutil.which("node")
    if node is None:
        raise ChildError("Azurite needs Node.js 20 or newer, but there is no node on PATH.")
    if not variant.script.exists():
        raise ChildError("Azurite isn't installed. Run make setup.")
    directory.mkdir(parents=True, exist_ok=True)
    command = [node, str(variant.script)]
    command += ["--inMemoryPersistence"] if variant.in_memory else ["--location", str(directory)]
    command += [] if variant.requests_logged else ["--silent"]
    for service, port in zip(("blob", "queue", "table"), variant.ports, strict=True):
        command += [f"--{service}Port", str(port)]
    # Newer SDKs request API versions that Azurite doesn't know. Telemetry would leave the machine.
    return [*command, "--skipApiVersionCheck", "--disableTelemetry", *variant.options]


def _listening(log: Path) -> dict[str, str] | None:
    """The URL of each service, once all three listen. Azurite logs them after it has bound the ports."""
    urls = dict(LISTENING.findall(log.read_text(errors="replace")))
    return urls if len(urls) == len(("Blob", "Queue", "Table")) else None
