"""What callers do to recordings while a schedule is played, and whether the recordings' history says so.

A caller asks for a replay or for a link to a file. Storage may fail at any time, so an act whose answer was lost may
have an entry or not. An act that the app confirmed has one, and no entry tells of an act that nobody asked for.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp

from local.faults.site import Site
from local.faults.violations import Kind, Violation, violation
from shared.domain.keys import key_of
from shared.domain.records import AuditEntry, Chunk
from shared.gateways.tables.audit import Audit

RELOCATED = "relocated"  # an event gave other locations
_REPLAY, _READ = "replay", "read content"
_SHARE = 0.4  # of the recordings have a caller
_CONFIRMED = {_REPLAY: HTTPStatus.ACCEPTED, _READ: HTTPStatus.FOUND}
_LONGEST_PAUSE = 2.0  # seconds between two acts


@dataclass(frozen=True, kw_only=True)
class Acts:
    """How often each act was asked for, and how often the app confirmed it, by recording key."""

    asked: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    confirmed: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


async def act(site: Site, recording_id: str, document_id: str, chance: random.Random, acts: Acts) -> None:
    """Asks for a few replays and links, for some of the recordings."""
    if chance.random() > _SHARE:
        return
    for _ in range(chance.randint(1, 4)):
        await asyncio.sleep(chance.uniform(0, _LONGEST_PAUSE))
        wanted = chance.choice((_REPLAY, _READ))
        path = f"recordings/{recording_id}"
        path += "/replay" if wanted == _REPLAY else f"/chunks/{document_id}/content"
        acts.asked[key_of(recording_id)][wanted] += 1
        if await _status(site, "POST" if wanted == _REPLAY else "GET", path) == _CONFIRMED[wanted]:
            acts.confirmed[key_of(recording_id)][wanted] += 1


async def _status(site: Site, method: str, path: str) -> int | None:
    """None when the host is being replaced."""
    url, headers = f"{site.where.functions}/api/{path}", {"x-functions-key": site.where.master_key}
    try:
        async with site.http.request(method, url, headers=headers, allow_redirects=False) as response:
            return response.status
    except (aiohttp.ClientError, TimeoutError):
        return None


async def unaudited(
    site: Site, acts: Acts, chunks: Collection[Chunk], announced: Collection[str], corrected: Collection[str]
) -> list[Violation]:
    """Of the documents that were announced. `corrected`: those that were announced with two sets of locations."""
    audit = Audit(site.tables, "recordings")
    documents = {chunk.document_id: chunk.recording_key for chunk in chunks if chunk.document_id in announced}
    histories = {key: await audit.history(key) for key in {*documents.values(), *acts.asked}}
    found = [sentence for key, entries in histories.items() for sentence in wrong_history(key, entries, acts)]
    for document_id, key in documents.items():
        of_document = [entry for entry in histories[key] if entry.details.get("documentId") == document_id]
        relocated = any(entry.action == RELOCATED for entry in of_document)
        if relocated is not (document_id in corrected):
            told = "doesn't say" if document_id in corrected else "says wrongly"
            found.append(f"the history {told} that document {document_id} got other locations")
    return [violation(Kind.UNAUDITED, None, sentence) for sentence in found]


def wrong_history(key: str, entries: Collection[AuditEntry], acts: Acts) -> list[str]:
    """What is wrong with the history of one recording, given what callers did."""
    told = Counter(entry.action for entry in entries)
    asked, confirmed = acts.asked.get(key, Counter()), acts.confirmed.get(key, Counter())
    found = [
        f"the history of recording {key} has {told[wanted]} entries of {wanted!r}; "
        f"{asked[wanted]} were asked for, {confirmed[wanted]} confirmed"
        for wanted in (_REPLAY, _READ)
        if not confirmed[wanted] <= told[wanted] <= asked[wanted]
    ]
    nameless = [entry.action for entry in entries if not entry.by]
    return found + [f"the history of recording {key} doesn't say who did: {action}" for action in nameless]
