"""ACS's signing key and the document that publishes it, as the HTTP session that the product fetches it with.

The key is made once a process: making one takes longer than a run. The token never expires, because PyJWT compares its
times with the real clock and not with the run's.
"""

import functools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import jwt
from azure.core.exceptions import AzureError
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from local.memory.storage.account import Account, Operation, Service

AUDIENCE = "11111111-2222-4333-8444-555555555555"
_KEY_ID = "simulated"
_KEYS_PATH = "/calling/keys"
_LATE = 4102444800  # 2100-01-01


@functools.cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@functools.cache
def token(issuer: str) -> str:
    """The Authorization header of every callback."""
    claims = {"iss": issuer, "aud": AUDIENCE, "exp": _LATE}
    return "Bearer " + jwt.encode(claims, _key(), algorithm="RS256", headers={"kid": _KEY_ID})


@functools.cache
def _published() -> bytes:
    public = json.loads(RSAAlgorithm.to_jwk(_key().public_key()))
    return json.dumps({"keys": [{**public, "use": "sig", "kid": _KEY_ID, "alg": "RS256"}]}).encode()


class _Answer:
    """A document, as aiohttp's response."""

    status = 200

    def __init__(self, body: bytes) -> None:
        self._body, self.content = body, self

    async def iter_any(self) -> AsyncIterator[bytes]:
        yield self._body


class SimulatedKeys:
    """Serves both documents to one process."""

    def __init__(self, account: Account, openid_url: str) -> None:
        self._account, self._openid_url = account, openid_url

    @asynccontextmanager
    async def get(self, url: str, **_: Any) -> AsyncIterator[_Answer]:
        origin = self._openid_url.partition("/calling/")[0]
        body = json.dumps({"jwks_uri": origin + _KEYS_PATH}).encode() if url == self._openid_url else _published()
        operation = Operation(service=Service.ACS, method="signing_keys", target=url, writes=False, is_retried=False)
        try:
            await self._account.turn(operation, lambda: None)
        except AzureError:
            raise aiohttp.ClientConnectionError from None
        yield _Answer(body)
