"""The public keys that ACS signs its callbacks with, by way of its OpenID configuration.

Nothing is cached here. Documents come over TLS from the one host that the settings name, without redirects and bounded
in size; what isn't an RSA key is passed over.
"""

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import jwt

from shared.errors import SourceGarbled, SourceUnavailable

_LARGEST = 256 * 1024  # bytes of a document
_PLAIN = {"Accept-Encoding": "identity"}  # a document that unpacks to gigabytes is not for us
_PATIENCE = aiohttp.ClientTimeout(total=10)

Keys = dict[str, jwt.PyJWK]


class SigningKeys:
    """Where the keys are published."""

    def __init__(self, http: aiohttp.ClientSession, openid_url: str) -> None:
        self._http, self._openid_url = http, openid_url

    async def fetch(self) -> Keys:
        """Every key by its id. Raises SourceUnavailable, or SourceGarbled when what is published makes no sense."""
        configuration = await self._document(self._openid_url)
        address = configuration.get("jwks_uri")
        here = urlsplit(self._openid_url)
        try:
            there = urlsplit(address) if isinstance(address, str) else None
        except ValueError:
            there = None
        if there is None or (there.scheme, there.netloc) != ("https", here.netloc):
            raise SourceGarbled("the OpenID configuration of ACS names keys on another host than its own")
        published = (await self._document(there.geturl())).get("keys")
        if not isinstance(published, list):
            raise SourceGarbled("the keys of ACS are no JSON Web Key Set")
        return dict(filter(None, map(_key, published)))

    async def _document(self, url: str) -> dict[str, Any]:
        try:
            async with self._http.get(url, allow_redirects=False, timeout=_PATIENCE, headers=_PLAIN) as answer:
                if answer.status != HTTPStatus.OK:
                    raise SourceUnavailable(f"the signing keys of ACS can't be had: it answered {answer.status}")
                body = bytearray()
                async for piece in answer.content.iter_any():
                    body += piece
                    if len(body) > _LARGEST:
                        raise SourceGarbled("the signing keys of ACS come in a document too large to be true")
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            raise SourceUnavailable("the signing keys of ACS can't be had: it can't be reached") from None
        try:
            parsed: Any = json.loads(body)
        except (ValueError, RecursionError):
            raise SourceGarbled("the signing keys of ACS are not JSON") from None
        if not isinstance(parsed, dict):
            raise SourceGarbled("the signing keys of ACS are no JSON object")
        return parsed


def _key(published: Any) -> tuple[str, jwt.PyJWK] | None:
    if not isinstance(published, dict) or published.get("kty") != "RSA" or not isinstance(published.get("kid"), str):
        return None
    try:
        return published["kid"], jwt.PyJWK(published, algorithm="RS256")
    except jwt.PyJWTError:
        return None
