"""Requests of callers while a schedule runs: a caller requests a replay, or a link to a file."""

import asyncio
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp

from local.faults.running_stack.stack_client import StackClient
from shared.domain.keys import key_of

REPLAY, READ = "replay", "read content"  # actions in the audit
_SHARE = 0.4  # of recordings with a caller
_CONFIRMED = {REPLAY: HTTPStatus.ACCEPTED, READ: HTTPStatus.FOUND}
_LONGEST_PAUSE = 2.0  # seconds between two requests


@dataclass(frozen=True, kw_only=True)
class CallerRequests:
    """How often each action was requested, and how often the app confirmed it, by recording key."""

    requested: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    confirmed: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


async def make_requests(
    client: StackClient, recording_id: str, document_id: str, rng: random.Random, requests: CallerRequests
) -> None:
    """Requests a few replays and links for some of the recordings."""
    if rng.random() > _SHARE:
        return
    for _ in range(rng.randint(1, 4)):
        await asyncio.sleep(rng.uniform(0, _LONGEST_PAUSE))
        wanted = rng.choice((REPLAY, READ))
        path = f"recordings/{recording_id}"
        path += "/replay" if wanted == REPLAY else f"/chunks/{document_id}/content"
        requests.requested[key_of(recording_id)][wanted] += 1
        if await _status(client, "POST" if wanted == REPLAY else "GET", path) == _CONFIRMED[wanted]:
            requests.confirmed[key_of(recording_id)][wanted] += 1


async def _status(client: StackClient, method: str, path: str) -> int | None:
    """None while the host is being replaced."""
    url, headers = f"{client.where.functions}/api/{path}", {"x-functions-key": client.where.master_key}
    try:
        async with client.http.request(method, url, headers=headers, allow_redirects=False) as response:
            return response.status
    except (aiohttp.ClientError, TimeoutError):
        return None
