"""Fetches the public keys of ACS's callback signatures, by way of its OpenID configuration.

Nothing is cached here. Documents are fetched over TLS, only from the host in the settings, without redirects and with a
size limit. Keys other than RSA keys are ignored.
"""

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import jwt

from shared.errors import SourceGarbled, SourceUnavailable

_LARGEST = 256 * 1024  # bytes of a document
_PLAIN = {"Accept-Encoding": "identity"}  # no compression: a small answer could unpack to gigabytes
_PATIENCE = aiohttp.ClientTimeout(total=10)

Keys = dict[str, jwt.PyJWK]


class SigningKeys:
    """The published signing keys."""

    def __init__(self, http: aiohttp.ClientSession, openid_url: str) -> None:
        self._http, self._openid_url = http, openid_url

    async def fetch(self) -> Keys:
        """All keys by id. Raises SourceUnavailable, or SourceGarbled if the documents aren't valid."""
        configuration = await self._document(self._openid_url)
        address = configuration.get("jwks_uri")
        here = urlsplit(self._openid_url)
        try:
            there = urlsplit(address) if isinstance(address, str) else None
        except ValueError:
            there = None
        if there is None or (there.scheme, there.netloc) != ("https", here.netloc):
            raise SourceGarbled("ACS's OpenID configuration refers to keys on another host")
        published = (await self._document(there.geturl())).get("keys")
        if not isinstance(published, list):
            raise SourceGarbled("ACS's signing keys aren't a JSON Web Key Set")
        return dict(filter(None, map(_key, published)))

    async def _document(self, url: str) -> dict[str, Any]:
        try:
            async with self._http.get(url, allow_redirects=False, timeout=_PATIENCE, headers=_PLAIN) as answer:
                if answer.status != HTTPStatus.OK:
                    raise SourceUnavailable(
                        f"ACS's signing keys are unavailable: the key server answered {answer.status}"
                    )
                body = bytearray()
                async for piece in answer.content.iter_any():
                    body += piece
                    if len(body) > _LARGEST:
                        raise SourceGarbled("ACS's signing keys are in a document that is too large")
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            raise SourceUnavailable("ACS's signing keys are unavailable: the key server can't be reached") from None
        try:
            parsed: Any = json.loads(body)
        except (ValueError, RecursionError):
            raise SourceGarbled("ACS's signing keys aren't JSON") from None
        if not isinstance(parsed, dict):
            raise SourceGarbled("ACS's signing keys aren't a JSON object")
        return parsed


def _key(published: Any) -> tuple[str, jwt.PyJWK] | None:
    if not isinstance(published, dict) or published.get("kty") != "RSA" or not isinstance(published.get("kid"), str):
        return None
    try:
        return published["kid"], jwt.PyJWK(published, algorithm="RS256")
    except jwt.PyJWTError:
        return None
