"""The Event Grid custom topic that announcements go to.

Callvault needs only one operation of Event Grid, a POST. It is sent with azure-core's pipeline, with a managed identity
or the topic's key, so no other SDK is needed. The pipeline doesn't retry: announcements stay in their outbox until they
are delivered. It doesn't follow redirects: the credential goes only to the host in the settings, which the allow-list
has accepted.
"""

from collections.abc import Sequence
from http import HTTPStatus
from itertools import batched
from typing import Any
from urllib.parse import urlsplit

from azure.core import AsyncPipelineClient
from azure.core.credentials import AzureKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError
from azure.core.pipeline.policies import (
    AsyncBearerTokenCredentialPolicy,
    AzureKeyCredentialPolicy,
    RequestIdPolicy,
    UserAgentPolicy,
)
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest

from shared.contracts.events.announcements import Announcement
from shared.errors import TopicRefused, TopicUnavailable
from shared.gateways.faults import BROKEN_CONNECTION, retry_after

_KEY_HEADER = "aeg-sas-key"
_API_VERSION = "2018-01-01"
_CONTENT_TYPE = "application/cloudevents-batch+json; charset=utf-8"
_IN_ONE_REQUEST = 100  # events; even the largest ones stay well below Event Grid's limit of 1 MB
_CONNECT_SECONDS, _READ_SECONDS = 5.0, 10.0  # short, because a job waits for it; an announcement can be sent later

TopicClient = AsyncPipelineClient[HttpRequest, AsyncHttpResponse]


def topic_client(
    endpoint: str, credential: AzureKeyCredential | AsyncTokenCredential, transport: AioHttpTransport
) -> TopicClient:
    """A client for a topic's endpoint, with or without the path that the portal shows."""
    address = urlsplit(endpoint)
    authentication: Any
    if isinstance(credential, AzureKeyCredential):
        authentication = AzureKeyCredentialPolicy(credential, _KEY_HEADER)
    else:
        cloud = address.netloc.rpartition(".")[2]  # net, us or cn: each cloud has its own audience
        authentication = AsyncBearerTokenCredentialPolicy(credential, f"https://eventgrid.azure.{cloud}/.default")
    policies = [RequestIdPolicy(), UserAgentPolicy("callvault"), authentication]
    return AsyncPipelineClient(f"https://{address.netloc}", policies=policies, transport=transport)


class Topic:
    """Delivers announcements at least once."""

    def __init__(self, client: TopicClient) -> None:
        self._client = client

    async def publish(self, announcements: Sequence[Announcement]) -> None:
        """Returns once the topic has all of them, in this order. Raises TopicUnavailable or TopicRefused."""
        for some in batched(announcements, _IN_ONE_REQUEST, strict=False):
            body = ",".join(one.encode() for one in some)
            await self._post(f"[{body}]".encode())

    async def _post(self, body: bytes) -> None:
        request = HttpRequest(
            "POST",
            self._client.format_url("/api/events"),
            params={"api-version": _API_VERSION},
            headers={"Content-Type": _CONTENT_TYPE},
            content=body,
        )
        try:
            response = await self._client.send_request(
                request, connection_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS
            )
        except ClientAuthenticationError:
            raise TopicRefused("announcing: no credential for the topic is available") from None
        except (*BROKEN_CONNECTION, AzureError):
            raise TopicUnavailable("announcing: the topic didn't answer") from None
        if response.status_code != HTTPStatus.OK:
            raise _refusal(response)


def _refusal(response: AsyncHttpResponse) -> TopicUnavailable:
    status = response.status_code
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return TopicRefused(f"announcing: the topic refused Callvault's credential ({status}), check its role or key")
    asked = retry_after(HttpResponseError(response=response))
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TopicUnavailable(f"announcing: the topic is busy ({status})", retry_after=asked)
    return TopicRefused(f"announcing: the topic answered {status}; it must be a custom topic for CloudEvents 1.0")
