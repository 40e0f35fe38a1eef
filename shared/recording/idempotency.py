"""Handles the Idempotency-Key header: a repeated request gets the answer of the first one.

This follows the IETF draft "The Idempotency-Key HTTP Header Field". The same key with another body is refused with 422.
The same key while the first request still runs is refused with 409. Only a success is stored. After a failure, a
request with the same key runs again, with the same Repeatability id: if ACS carried out the first start and only its
answer was lost, ACS starts no second recording.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

from shared.domain.clock import Clock
from shared.domain.random_source import RandomSource
from shared.domain.repeatability import Repeatability
from shared.errors import CallvaultError, InvalidRequest, KeyReused, RequestInProgress
from shared.gateways.tables.requests import Requests

_LONGEST_KEY = 255
_BUSY = timedelta(seconds=60)  # longer than any HTTP request to ACS; after it the first request counts as crashed


class Idempotency:
    """Runs a request once per key, one at a time.

    A request that runs longer than a minute counts as crashed, and a repeated one takes over. Both have the same
    Repeatability id for ACS.
    """

    def __init__(self, requests: Requests, clock: Clock, random_source: RandomSource) -> None:
        self._requests, self._clock, self._random_source = requests, clock, random_source

    async def once(self, key: str | None, body: bytes, carry_out: Callable[[Repeatability], Awaitable[str]]) -> str:
        """Returns the answer of `carry_out`, or its stored answer. Without a key, `carry_out` runs each time.

        Raises the errors of `carry_out`, KeyReused, RequestInProgress, or InvalidRequest for an invalid key.
        """
        now = self._clock.now()
        if key is None:
            return await carry_out(Repeatability(request_id=str(self._random_source.new_id()), first_sent=now))
        if not (key.strip() and key.isascii() and key.isprintable()) or len(key) > _LONGEST_KEY:
            raise InvalidRequest.of(
                "Idempotency-Key", f"must have 1 to {_LONGEST_KEY} printable ASCII characters, as a UUID has"
            )
        fingerprint = hashlib.sha256(body).hexdigest()
        begun = await self._requests.begin(key, fingerprint=fingerprint, now=now, busy_until=now + _BUSY)
        request = begun.row
        if not begun.is_new:
            if request.fingerprint != fingerprint:
                raise KeyReused("send a new Idempotency-Key with a new request")
            if request.answer is not None:
                return request.answer
            taken_over = None
            if request.busy_until <= now:
                taken_over = await self._requests.set_busy_until(request, now + _BUSY)
            if taken_over is None:
                raise RequestInProgress("the first request with this Idempotency-Key is still running", retry_after=2)
            request = taken_over
        try:
            answer = await carry_out(Repeatability(request_id=request.repeatability_id, first_sent=request.first_sent))
        except CallvaultError:
            await self._requests.set_busy_until(request, now)  # no change if a repeated request has taken over
            raise
        await self._requests.store_answer(key, answer)
        return answer
