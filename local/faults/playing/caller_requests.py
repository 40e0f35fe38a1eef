"""Requests of callers while a schedule runs, and the check that each recording's history contains them.

A caller requests a replay or a link to a file. Storage can fail at any time, so a request whose response was lost may
have an audit entry or not. A confirmed request has an entry, and no entry exists without a request.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp

from local.faults.judging.violations import Kind, Violation, violation
from local.faults.running_stack.stack_client import StackClient
from shared.domain.chance import Chance
from shared.domain.keys import key_of
from shared.domain.records import AuditEntry, Chunk
from shared.gateways.tables.audit import Audit

RELOCATED = "relocated"  # an event changed the locations
_REPLAY, _READ = "replay", "read content"
_SHARE = 0.4  # of recordings with a caller
_CONFIRMED = {_REPLAY: HTTPStatus.ACCEPTED, _READ: HTTPStatus.FOUND}
_LONGEST_PAUSE = 2.0  # seconds between two acts


@dataclass(frozen=True, kw_only=True)
class Acts:
    """How often each action was requested, and how often the app confirmed it, by recording key."""

    requested: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    confirmed: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


async def act(client: StackClient, recording_id: str, document_id: str, chance: random.Random, acts: Acts) -> None:
    """Requests a few replays and links for some of the recordings."""
    if chance.random() > _SHARE:
        return
    for _ in range(chance.randint(1, 4)):
        await asyncio.sleep(chance.uniform(0, _LONGEST_PAUSE))
        wanted = chance.choice((_REPLAY, _READ))
        path = f"recordings/{recording_id}"
        path += "/replay" if wanted == _REPLAY else f"/chunks/{document_id}/content"
        acts.requested[key_of(recording_id)][wanted] += 1
        if await _status(client, "POST" if wanted == _REPLAY else "GET", path) == _CONFIRMED[wanted]:
            acts.confirmed[key_of(recording_id)][wanted] += 1


async def _status(client: StackClient, method: str, path: str) -> int | None:
    """None while the host is being replaced."""
    url, headers = f"{client.where.functions}/api/{path}", {"x-functions-key": client.where.master_key}
    try:
        async with client.http.request(method, url, headers=headers, allow_redirects=False) as response:
            return response.status
    except (aiohttp.ClientError, TimeoutError):
        return None


async def unaudited(
    client: StackClient, acts: Acts, chunks: Collection[Chunk], announced: Collection[str], corrected: Collection[str]
) -> list[Violation]:
    """Wrong histories of the announced documents. `corrected`: documents announced with two sets of locations."""
    audit = Audit(client.tables, "recordings", Chance())
    documents = {chunk.document_id: chunk.recording_key for chunk in chunks if chunk.document_id in announced}
    histories = {key: await audit.history(key) for key in {*documents.values(), *acts.requested}}
    found = [sentence for key, entries in histories.items() for sentence in wrong_history(key, entries, acts)]
    for document_id, key in documents.items():
        of_document = [entry for entry in histories[key] if entry.details.get("documentId") == document_id]
        relocated = any(entry.action == RELOCATED for entry in of_document)
        if relocated is not (document_id in corrected):
            problem = "doesn't contain" if document_id in corrected else "wrongly contains"
            found.append(f"the history {problem} a change of locations of document {document_id}")
    return [violation(Kind.UNAUDITED, None, sentence) for sentence in found]


def wrong_history(key: str, entries: Collection[AuditEntry], acts: Acts) -> list[str]:
    """What is wrong with the history of one recording, given the requests of callers."""
    entered = Counter(entry.action for entry in entries)
    requested, confirmed = acts.requested.get(key, Counter()), acts.confirmed.get(key, Counter())
    found = [
        f"the history of recording {key} has {entered[wanted]} entries of {wanted!r}; "
        f"{requested[wanted]} were requested, {confirmed[wanted]} confirmed"
        for wanted in (_REPLAY, _READ)
        if not confirmed[wanted] <= entered[wanted] <= requested[wanted]
    ]
    nameless = [entry.action for entry in entries if not entry.by]
    return found + [f"the history of recording {key} has an entry without a caller: {action}" for action in nameless]
