"""Call Automation's signing keys, the documents that publish them, and the tokens that they sign.

As in the real service, an OpenID configuration has the URL of the keys, a token is valid for five minutes and for one
ACS resource, and keys change without notice.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from local.acs.certificates import AUTOMATION_HOST
from local.acs.identifiers import RESOURCE_ID, new_guid
from local.acs.times import now

ISSUER = f"https://{AUTOMATION_HOST}"
OPENID_PATH = "/calling/.well-known/acsopenidconfiguration"
KEYS_PATH = "/calling/keys"
LIFETIME = 300.0


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    key_id: str
    private: rsa.RSAPrivateKey

    def published(self) -> dict[str, Any]:
        """The public half, as a JSON Web Key."""
        public: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(self.private.public_key()))
        return {**public, "use": "sig", "kid": self.key_id, "alg": "RS256"}


class TokenIssuer:
    """Signs with the newest key. Publishes the newest and the previous key."""

    def __init__(self) -> None:
        self._keys: list[SigningKey] = []

    def rotate(self) -> str:
        """Starts to sign with a new key."""
        key = SigningKey(key_id=new_guid(), private=rsa.generate_private_key(public_exponent=65537, key_size=2048))
        self._keys = [key, *self._keys[:1]]
        return key.key_id

    def token(self, *, audience: str = RESOURCE_ID, issuer: str = ISSUER, lifetime: float = LIFETIME) -> str:
        """A new token. A token with a negative lifetime has already expired."""
        if not self._keys:
            self.rotate()
        began = now() if lifetime > 0 else now() + timedelta(seconds=lifetime - LIFETIME)
        expires = now() + timedelta(seconds=lifetime)
        claims = {"iss": issuer, "aud": audience, "iat": began, "nbf": began, "exp": expires, "jti": new_guid()}
        newest = self._keys[0]
        return jwt.encode(claims, newest.private, algorithm="RS256", headers={"kid": newest.key_id})

    def answer(self, request: web.Request) -> web.Response:
        """Serves the public documents of Call Automation's host."""
        match request.method, request.path:
            case "GET", path if path == OPENID_PATH:
                return web.json_response(
                    {
                        "issuer": ISSUER,
                        "jwks_uri": ISSUER + KEYS_PATH,
                        "id_token_signing_alg_values_supported": ["RS256"],
                        "claims_supported": ["aud", "exp", "iat", "iss", "nbf"],
                    }
                )
            case "GET", path if path == KEYS_PATH:
                if not self._keys:
                    self.rotate()
                return web.json_response({"keys": [key.published() for key in self._keys]})
            case _:
                return web.Response(status=404)
