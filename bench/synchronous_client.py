"""Connects the synchronous SDK to a local source. Unlike the product's client, it can't use a resolver of ours."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from azure.communication.callautomation import CallAutomationClient

MEDIA_DOMAIN = ".asm.skype.com"


@contextmanager
def calls(connection_string: str, *, address: str, ca: str, **options: Any) -> Iterator[Any]:
    """A synchronous ACS client that resolves every media host to `address` (127.0.0.1:port)."""
    host, _, port = address.rpartition(":")
    found = [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, int(port)))]
    genuine = socket.getaddrinfo

    def lookup(name: Any, *rest: Any, **more: Any) -> Any:
        return found if str(name).endswith(MEDIA_DOMAIN) else genuine(name, *rest, **more)

    with patch("socket.getaddrinfo", lookup):
        yield CallAutomationClient.from_connection_string(connection_string, connection_verify=ca, **options)
