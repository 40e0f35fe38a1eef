"""The SDK clients of this process: created once, shared by all jobs, closed together.

Without a connection string, a client uses the managed identity. In local development, a resolver and a CA direct the
ACS client and the topic's client to the simulator. The SDK's allow-list, signing and TLS stay in force.
"""

import socket
import ssl
from typing import Any, cast
from urllib.request import getproxies

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from azure.communication.callautomation.aio import CallAutomationClient
from azure.core.credentials import AzureKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import HeadersPolicy
from azure.core.pipeline.transport import AioHttpTransport
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient, QueueServiceClient
from yarl import URL

from shared.gateways.topic import TopicClient, topic_client
from shared.settings.accounts import StorageAccount
from shared.settings.settings import Settings
from shared.settings.token_hosts import require_token_host

_READ_BUFFER = 1024 * 1024  # bytes; aiohttp's default of 64 KiB doubles the CPU time of large downloads
_CONNECT_SECONDS = 10.0
_READ_SECONDS = 60.0  # without any data on a connection
_CONNECTIONS = 128  # per client, shared by all jobs of the process
# Storage requests are retried after about 1, 3 and 5 seconds. The SDK's defaults of 15, 18 and 24 seconds would hold a
# job's lease and memory for more than a minute. Longer faults are left to the job's retry, which releases both.
_RETRIES = {"initial_backoff": 1, "increment_base": 2, "random_jitter_range": 1, "retry_total": 3}
_MAX_SINGLE_PUT = 256 * 1024 * 1024  # bytes; the copy engine decides which files are small enough for one PUT


class _GatewayResolver(AbstractResolver):
    """Resolves every name to one local address, where the simulator listens."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._host = "127.0.0.1" if host == "localhost" else host
        self._port = int(port)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        del port, family
        result = ResolveResult(
            hostname=host, host=self._host, port=self._port, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST
        )
        return [result]

    async def close(self) -> None:
        """Nothing to close."""


class _AsSent(HeadersPolicy):
    """Normalizes a URL before it is signed, in the way in which aiohttp sends it.

    SDK 1.6.0 escapes more characters than necessary, for example the = that pads a recordingId. aiohttp reverts such
    escapes: ACS would then receive another path than was signed, and refuse the credential.
    """

    def on_request(self, request: PipelineRequest[Any]) -> None:
        super().on_request(request)
        request.http_request.url = str(URL(request.http_request.url))


class Clients:
    """All SDK clients of the process. Must be created and closed on the running event loop."""

    def __init__(self, settings: Settings) -> None:
        self._credentials: dict[str | None, AsyncTokenCredential] = {}
        self.calls = self._call_automation(settings)
        self.keys = _acs_session(settings)  # for ACS's public keys: sends no credential
        host, archive = settings.host_storage, settings.archive_storage
        self.tables = self._service(TableServiceClient, host, host.table_uri, "endpoint")
        queue: dict[str, Any] = {"message_encode_policy": TextBase64EncodePolicy(), **_RETRIES}
        self.queue, self.poison = (
            self._service(QueueClient, host, host.queue_uri, "account_url", queue_name=name, **queue)
            for name in (settings.chunks_queue, settings.poison_queue)
        )
        self.topic = self._topic(settings)
        blob: dict[str, Any] = {"max_single_put_size": _MAX_SINGLE_PUT, **_RETRIES}
        self.archive = self._service(BlobServiceClient, archive, archive.blob_uri, "account_url", **blob)

    def blobs(self, account: StorageAccount) -> BlobServiceClient:
        """An additional Blob client, for commands. The caller closes it."""
        return cast("BlobServiceClient", self._service(BlobServiceClient, account, account.blob_uri, "account_url"))

    def queues(self, account: StorageAccount) -> QueueServiceClient:
        """An additional Queue client, for commands that need other queues than the jobs'. The caller closes it."""
        return cast("QueueServiceClient", self._service(QueueServiceClient, account, account.queue_uri, "account_url"))

    def _credential(self, client_id: str | None) -> AsyncTokenCredential:
        # Imported here because the import takes a second, which processes with connection strings don't need.
        from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - see above

        if client_id not in self._credentials:
            self._credentials[client_id] = DefaultAzureCredential(
                managed_identity_client_id=client_id, exclude_environment_credential=True
            )
        return self._credentials[client_id]

    def _service(
        self, client: Any, account: StorageAccount, uri: str | None, uri_parameter: str, **options: Any
    ) -> Any:
        # Storage never redirects. A redirect would send the credential to a host that isn't checked.
        options |= {"transport": _transport(_session()), "permit_redirects": False}
        if account.connection_string:
            return client.from_connection_string(account.connection_string, **options)
        address = require_token_host(uri)
        return client(**{uri_parameter: address}, credential=self._credential(account.client_id), **options)

    def _call_automation(self, settings: Settings) -> CallAutomationClient:
        # No retries in the pipeline: the retries of jobs and callers know the deadline. No redirects in the pipeline:
        # only the media store uses them, and there MediaSource checks and signs each hop.
        options: dict[str, Any] = {
            "transport": _transport(_acs_session(settings)),
            "retry_total": 0,
            "permit_redirects": False,
            "headers_policy": _AsSent(),
        }
        if settings.acs_connection_string:
            return CallAutomationClient.from_connection_string(settings.acs_connection_string, **options)
        address = require_token_host(settings.acs_endpoint)
        return CallAutomationClient(address, self._credential(settings.azure_client_id), **options)

    def _topic(self, settings: Settings) -> TopicClient | None:
        if settings.announce_topic_endpoint is None:
            return None
        address = require_token_host(settings.announce_topic_endpoint)
        by_key = settings.announce_topic_key
        credential = AzureKeyCredential(by_key) if by_key else self._credential(settings.azure_client_id)
        return topic_client(address, credential, _transport(_acs_session(settings)))

    async def close(self) -> None:
        if self.topic is not None:
            await self.topic.close()
        for client in (self.calls._client, self.tables, self.queue, self.poison, self.archive):  # noqa: SLF001 - SDK 1.6.0 offers no close
            await client.close()
        await self.keys.close()
        for credential in self._credentials.values():
            await credential.close()


def _acs_session(settings: Settings) -> aiohttp.ClientSession:
    if settings.acs_local_gateway is None:
        return _session()
    resolver = _GatewayResolver(settings.acs_local_gateway)
    return _session(resolver, ssl.create_default_context(cafile=settings.acs_local_ca))


def _session(resolver: AbstractResolver | None = None, tls: ssl.SSLContext | None = None) -> aiohttp.ClientSession:
    """A session. Unless it has a resolver, which a proxy would bypass, it uses the environment's proxy if there is one.

    With `trust_env`, aiohttp also reads ~/.netrc for each request. That is a quarter of a small chunk's CPU time, and
    could send a foreign credential. So `trust_env` is set only if the environment names a proxy.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_CONNECTIONS, resolver=resolver, ssl=tls or True),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # the archive stores the bytes as they were sent
        trust_env=resolver is None and bool(getproxies().keys() - {"no"}),  # "no" lists hosts without a proxy
        read_bufsize=_READ_BUFFER,
    )


def _transport(session: aiohttp.ClientSession) -> AioHttpTransport:
    return AioHttpTransport(
        session=session,
        connection_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        connection_data_block_size=_READ_BUFFER,
    )
