"""Leads the synchronous SDKs to the bench's source: unlike the product's client they take no resolver of ours."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from azure.communication.callautomation import CallAutomationClient

from bench.copying.job import MEDIA_HOST, CopyJob

_CONNECTION_STRING = "endpoint=https://callvault.communication.azure.com/;accesskey=c2VjcmV0"


@contextmanager
def calls(job: CopyJob, **options: Any) -> Iterator[Any]:
    """A synchronous ACS client that finds the media host at the job's address."""
    genuine = socket.getaddrinfo

    def lookup(host: Any, *rest: Any, **more: Any) -> Any:
        if host == MEDIA_HOST:
            return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", job.port))]
        return genuine(host, *rest, **more)

    with patch("socket.getaddrinfo", lookup):
        yield CallAutomationClient.from_connection_string(_CONNECTION_STRING, connection_verify=job.ca, **options)
