"""Verifies that a callback comes from ACS: its token must be signed by ACS, for the configured ACS resource.

Only RS256 is accepted, whatever the token's header says. Signing keys are cached for a day, and fetched again when a
token names an unknown key. They are fetched at most every 30 seconds, so invented key names can't flood the key server.
If the key server can't be reached, the answer is 503 and not 401, because the token may be valid.
"""

import asyncio
from datetime import datetime, timedelta

import jwt

from shared.domain.clock import Clock
from shared.errors import CallbackRefused, CallbacksOff, CallvaultError
from shared.gateways.acs.signing_keys import Keys, SigningKeys
from shared.observability.logs import logger
from shared.settings.settings import Settings

log = logger("tokens")

_ALGORITHM = "RS256"
_LONGEST = 8192  # characters; ACS's have a thousand
_LEEWAY = timedelta(seconds=60)  # allowed clock difference to ACS; its tokens are valid for five minutes
_KEPT = timedelta(hours=24)  # how long fetched keys are used
_PAUSE = timedelta(seconds=30)  # the shortest time between two requests to the key server
_NEEDED = ["exp", "iss", "aud"]
_SETUP = (
    "set CALLBACK_AUDIENCE to the immutable resource ID of the ACS resource: `az communication show` gives it as "
    "immutableResourceId"
)


class CallbackTokens:
    """Verifies the tokens of one ACS resource."""

    def __init__(self, published: SigningKeys, clock: Clock, settings: Settings) -> None:
        self._published, self._clock = published, clock
        given, self._issuer = settings.callback_audience, settings.callback_issuer
        # A setting may have the GUID in capitals; tokens have it in lower case.
        self._audiences: tuple[str, ...] = () if given is None else (given, given.lower())
        self._keys: Keys = {}
        self._failure: CallvaultError | None = None
        self._fetched_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._asking = asyncio.Lock()

    async def verify(self, authorization: str | None) -> None:
        """Raises CallbackRefused unless the Authorization header has a valid token.

        Raises CallbacksOff if CALLBACK_AUDIENCE isn't set, and a SourceError if the signing keys are unavailable.
        """
        if not self._audiences:
            raise CallbacksOff(_SETUP)
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(token) <= _LONGEST:
            raise CallbackRefused('the Authorization header must be "Bearer <token>" with ACS\'s token')
        try:
            header = jwt.get_unverified_header(token)
            key_id = header.get("kid")
            if header.get("alg") != _ALGORITHM or not isinstance(key_id, str):
                raise CallbackRefused(f"the token must be signed with {_ALGORITHM} and name its signing key")
            key = await self._key(key_id)
            self._decode(token, key)
        except jwt.PyJWTError as error:
            raise CallbackRefused(_reason(error)) from None

    def _decode(self, token: str, key: jwt.PyJWK) -> None:
        jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=self._audiences,
            issuer=self._issuer,
            leeway=_LEEWAY,
            options={"require": _NEEDED},
        )

    async def _key(self, key_id: str) -> jwt.PyJWK:
        if key_id not in self._keys or self._are_outdated():
            async with self._asking:
                await self._ask(key_id)
        key = self._keys.get(key_id)
        if key is not None:
            return key
        if self._failure is not None:
            # The same error is raised for many requests. Tracebacks would add up in it, with bodies and tokens.
            raise self._failure.with_traceback(None)
        raise CallbackRefused("the token names a signing key that ACS doesn't publish")

    def _are_outdated(self) -> bool:
        return self._fetched_at is None or self._clock.now() > self._fetched_at + _KEPT

    async def _ask(self, key_id: str) -> None:
        """Fetches the keys, unless another request just did. If fetching fails, the cached keys stay in use."""
        now = self._clock.now()
        known = key_id in self._keys and not self._are_outdated()
        if known or (self._asked_at is not None and now < self._asked_at + _PAUSE):
            return
        self._asked_at = now
        try:
            self._keys = await self._published.fetch()
        except CallvaultError as error:
            log.error("signing keys unavailable", extra={"action": "keys", "reason": error.reason})  # noqa: TRY400 - our own error: a traceback adds nothing
            self._failure = error
        else:
            self._fetched_at, self._failure = now, None


def _reason(error: jwt.PyJWTError) -> str:
    """Why the token was refused, so that an operator can correct a setting. Nothing from the token is quoted."""
    match error:
        case jwt.ExpiredSignatureError():
            return "the token has expired"
        case jwt.ImmatureSignatureError():
            return "the token is not valid yet: check the clocks"
        case jwt.InvalidAudienceError():
            return "the token is for another ACS resource than CALLBACK_AUDIENCE names"
        case jwt.InvalidIssuerError():
            return "the token is from another issuer than CALLBACK_ISSUER names"
        case jwt.InvalidSignatureError():
            return "the token's signature is wrong"
        case _:
            return "the token can't be parsed"
