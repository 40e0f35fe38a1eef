"""Idempotency-Key: a request that comes again gets the first answer, and reaches ACS as the same request.

Follows the IETF draft "The Idempotency-Key HTTP Header Field": the same key with another body is refused (422), the
same key while the first request runs is told to come back (409). Only success is remembered: after a failure the same
key may be tried again, and ACS sees the same Repeatability id as before, so that a start whose answer was lost on the
way does not start twice.
"""

import hashlib
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta

from shared.domain.clock import Clock
from shared.domain.repeatability import Repeatability
from shared.errors import CallvaultError, InvalidRequest, KeyReused, RequestInProgress
from shared.gateways.tables.requests import Requests

_LONGEST_KEY = 255
_BUSY = timedelta(seconds=60)  # longer than an HTTP request to ACS takes; after it the first is taken for dead


class Idempotency:
    """Answers a request once under its key. Should two repeats run at once, both are the same request to ACS."""

    def __init__(self, requests: Requests, clock: Clock) -> None:
        self._requests, self._clock = requests, clock

    async def once(self, key: str | None, body: bytes, carry_out: Callable[[Repeatability], Awaitable[str]]) -> str:
        """The answer of `carry_out`, or the one it gave before. Without a key every call carries out anew.

        Raises what `carry_out` raises, KeyReused, RequestInProgress, or InvalidRequest for an unusable key.
        """
        now = self._clock.now()
        if key is None:
            return await carry_out(Repeatability(request_id=str(uuid.uuid4()), first_sent=now))
        if not (key.strip() and key.isascii() and key.isprintable()) or len(key) > _LONGEST_KEY:
            raise InvalidRequest.of(
                "Idempotency-Key", f"must have 1 to {_LONGEST_KEY} printable ASCII characters, as a UUID has"
            )
        fingerprint = hashlib.sha256(body).hexdigest()
        request, new = await self._requests.begin(key, fingerprint=fingerprint, now=now, busy_until=now + _BUSY)
        if not new:
            if request.fingerprint != fingerprint:
                raise KeyReused("send a new Idempotency-Key with a new request")
            if request.answer is not None:
                return request.answer
            if request.busy_until > now:
                raise RequestInProgress("the first request with this Idempotency-Key is not done yet", retry_after=2)
            await self._requests.set_busy_until(key, now + _BUSY)
        try:
            answer = await carry_out(Repeatability(request_id=request.repeatability_id, first_sent=request.first_sent))
        except CallvaultError:
            await self._requests.set_busy_until(key, now)
            raise
        await self._requests.store_answer(key, answer)
        return answer
