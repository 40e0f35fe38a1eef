"""Tells ACS's callbacks from anyone else's: each carries a token that only ACS can have signed, and for this resource.

RS256 alone is taken, whatever a token says of itself. Keys are kept for a day and asked for anew when a token names one
that isn't known, at most every half minute, so that a flood of made-up names reaches nobody but us. A key server that
is down is nobody's bad token: then the answer is 503, and who knows no key knows none until the next try.
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
_LEEWAY = timedelta(seconds=60)  # between ACS's clock and ours; its tokens are good for five minutes
_KEPT = timedelta(hours=24)
_PAUSE = timedelta(seconds=30)  # between two questions for keys
_NEEDED = ["exp", "iss", "aud"]
_SETUP = (
    "set CALLBACK_AUDIENCE to the immutable resource id of the ACS resource: `az communication show` gives it as "
    "immutableResourceId"
)


class CallbackTokens:
    """Verifies the tokens of one ACS resource."""

    def __init__(self, published: SigningKeys, clock: Clock, settings: Settings) -> None:
        self._published, self._clock = published, clock
        given, self._issuer = settings.callback_audience, settings.callback_issuer
        # A GUID is the same in capitals, and a token has it in small letters.
        self._audiences: tuple[str, ...] = () if given is None else (given, given.lower())
        self._keys: Keys = {}
        self._failure: CallvaultError | None = None
        self._fetched_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._asking = asyncio.Lock()

    async def verify(self, authorization: str | None) -> None:
        """Raises CallbackRefused unless the header carries a good token, CallbacksOff when none could be good.

        Raises a SourceError when the key that would tell can't be had.
        """
        if not self._audiences:
            raise CallbacksOff(_SETUP)
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(token) <= _LONGEST:
            raise CallbackRefused("the Authorization header must be: Bearer, and the token that ACS sends")
        try:
            header = jwt.get_unverified_header(token)
            key_id = header.get("kid")
            if header.get("alg") != _ALGORITHM or not isinstance(key_id, str):
                raise CallbackRefused(f"the token must be signed with {_ALGORITHM}, by a key that it names")
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
            # It is raised for many requests: with each one's traceback it would keep them all, bodies and tokens too.
            raise self._failure.with_traceback(None)
        raise CallbackRefused("ACS publishes no key of the name that the token gives")

    def _are_outdated(self) -> bool:
        return self._fetched_at is None or self._clock.now() > self._fetched_at + _KEPT

    async def _ask(self, key_id: str) -> None:
        """Asks for the keys, unless somebody just did. Those at hand stay good while the new ones can't be had."""
        now = self._clock.now()
        known = key_id in self._keys and not self._are_outdated()
        if known or (self._asked_at is not None and now < self._asked_at + _PAUSE):
            return
        self._asked_at = now
        try:
            self._keys = await self._published.fetch()
        except CallvaultError as error:
            log.error("signing keys not to be had", extra={"action": "keys", "reason": error.reason})  # noqa: TRY400 - ours, without a vendor's inside
            self._failure = error
        else:
            self._fetched_at, self._failure = now, None


def _reason(error: jwt.PyJWTError) -> str:
    """What is wrong with a token, so that a wrong setting can be mended; never what is in it."""
    match error:
        case jwt.ExpiredSignatureError():
            return "the token has run out"
        case jwt.ImmatureSignatureError():
            return "the token is not good yet: a clock is wrong"
        case jwt.InvalidAudienceError():
            return "the token is for another ACS resource than CALLBACK_AUDIENCE names"
        case jwt.InvalidIssuerError():
            return "the token is of another issuer than CALLBACK_ISSUER names"
        case jwt.InvalidSignatureError():
            return "the token's signature is wrong"
        case _:
            return "the token can't be read"
