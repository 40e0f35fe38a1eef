"""The source and sinks of a copy: nginx that serves media over TLS with ranges, Azurite, and nginx without storage.

The source has a host name of ACS's media store, with a certificate of a CA that is created for the run. The product's
clients connect to it as to ACS.
"""

import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import trustme

from bench.programs import BenchError, program
from local.processes.child_processes import Program, running
from local.stack.azurite import ACCOUNT, ACCOUNT_KEY, Variant, azurite

_AZURITE = Path(__file__).parent / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
_READY_SECONDS = 10.0

_COMMON = """
daemon off;
master_process off;
pid {place}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 512; }}
http {{
  client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
  keepalive_requests 1000000;
  {servers}
}}
"""

_SOURCE = """
  access_log off;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {place}/server.pem; ssl_certificate_key {place}/server.key;
    default_type audio/wav;
    root {media};
  }}
"""

# A plain `return` would answer before the body has arrived. Here, nginx reads the whole body into memory and forwards
# the request without it to a second server, which answers. The log has the number of bytes.
_NULL = """
  log_format taken '$request_length';
  upstream nothing {{ server unix:{place}/nothing.sock; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port}{tls};
    access_log {place}/taken.log taken;
    client_max_body_size 0;
    client_body_buffer_size 128m;
    location / {{
      proxy_pass http://nothing;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header Expect "";
      proxy_set_header Connection "";
      proxy_http_version 1.1;
    }}
  }}
  server {{
    listen unix:{place}/nothing.sock;
    access_log off;
    location / {{
      add_header ETag '"0x8D0000000000000"';
      add_header Last-Modified "Wed, 01 Jan 2025 00:00:00 GMT";
      return 201;
    }}
  }}
"""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A server of media over HTTPS at `address`, with certificates of `ca` for any name."""

    address: str
    ca: Path
    pid: int


@dataclass(frozen=True, kw_only=True)
class Sink:
    """A storage account for media. `taken` is the request log of a sink that stores nothing."""

    connection_string: str
    pid: int
    taken: Path | None = None

    def bytes_taken(self) -> int | None:
        """The bytes of all requests so far, including headers. None if the sink stores them."""
        return None if self.taken is None else sum(map(int, self.taken.read_text().split()))


@contextlib.asynccontextmanager
async def source(place: Path, media: Path) -> AsyncIterator[Source]:
    """Serves the files of `media`."""
    ca = trustme.CA(organization_name="Callvault bench")
    certificate = ca.issue_cert("*.asm.skype.com", "*.communication.azure.com", "127.0.0.1")
    ca.cert_pem.write_to_path(str(place / "ca.pem"))
    for part, pem in enumerate(certificate.cert_chain_pems):
        pem.write_to_path(str(place / "server.pem"), append=part > 0)
    certificate.private_key_pem.write_to_path(str(place / "server.key"))
    async with _nginx(place, _SOURCE, media=media) as (port, pid):
        yield Source(address=f"127.0.0.1:{port}", ca=place / "ca.pem", pid=pid)


def null_sink(place: Path) -> contextlib.AbstractAsyncContextManager[Sink]:
    """Reads every PUT to its last byte, stores nothing, and answers 201."""
    return _nothing(place, "http", "")


def null_tls_sink(served: Source) -> Callable[[Path], contextlib.AbstractAsyncContextManager[Sink]]:
    """The same over TLS, with the certificate of the source."""
    keys = served.ca.parent
    tls = f" ssl;\n    ssl_certificate {keys}/server.pem; ssl_certificate_key {keys}/server.key"
    return lambda place: _nothing(place, "https", tls)


@contextlib.asynccontextmanager
async def _nothing(place: Path, protocol: str, tls: str) -> AsyncIterator[Sink]:
    async with _nginx(place, _NULL, tls=tls) as (port, pid):
        yield Sink(
            connection_string=(
                f"DefaultEndpointsProtocol={protocol};AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
                f"BlobEndpoint={protocol}://127.0.0.1:{port}/{ACCOUNT};"
            ),
            pid=pid,
            taken=place / "taken.log",
        )


@contextlib.asynccontextmanager
async def azurite_sink(place: Path) -> AsyncIterator[Sink]:
    """A new Azurite of the release that doesn't require checksums.

    It doesn't support CRC64, and refuses one without `--loose`.
    """
    if not _AZURITE.exists():
        raise BenchError("The bench's own Azurite isn't installed. Run make bench.")
    async with azurite(place, variant=Variant(script=_AZURITE, options=("--loose",))) as running_azurite:
        yield Sink(connection_string=running_azurite.connection_string, pid=running_azurite.pid)


@contextlib.asynccontextmanager
async def _nginx(place: Path, servers: str, **names: object) -> AsyncIterator[tuple[int, int]]:
    """Runs nginx. Returns its port and its process."""
    port = _free_port()
    configuration = place / "nginx.conf"
    configuration.write_text(
        _COMMON.format(place=place, servers=servers.format(place=place, port=port, **names).strip())
    )
    command = [program("nginx") or "nginx", "-p", str(place), "-e", "stderr", "-c", str(configuration)]
    one = Program(name="nginx", command=command, log=place / "nginx.log", directory=place)
    async with running(one) as child:
        await child.until(lambda: _answers(port), within=_READY_SECONDS)
        yield port, child.pid


def _free_port() -> int:
    """A free port. nginx can choose one itself, but can't report it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool | None:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return None
