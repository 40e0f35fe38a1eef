"""Checks that each recording's history contains what callers did.

Storage can fail at any time, so a request whose response was lost may have an audit entry or not. A confirmed request
has an entry, and no entry exists without a request.
"""

from collections import Counter
from collections.abc import Collection

from local.faults.judging.violations import Kind, Violation, violation
from local.faults.playing.caller_requests import READ, REPLAY, CallerRequests
from local.faults.running_stack.stack_client import StackClient
from shared.domain.random_source import RandomSource
from shared.domain.records import AuditEntry, Chunk
from shared.gateways.tables.audit import Audit

_RELOCATED = "relocated"  # an event changed the locations


async def unaudited(
    client: StackClient,
    requests: CallerRequests,
    chunks: Collection[Chunk],
    announced: Collection[str],
    corrected: Collection[str],
) -> list[Violation]:
    """Wrong histories of the announced documents. `corrected`: documents announced with two sets of locations."""
    audit = Audit(client.tables, "recordings", RandomSource())
    documents = {chunk.document_id: chunk.recording_key for chunk in chunks if chunk.document_id in announced}
    histories = {key: await audit.history(key) for key in {*documents.values(), *requests.requested}}
    found = [sentence for key, entries in histories.items() for sentence in wrong_history(key, entries, requests)]
    for document_id, key in documents.items():
        of_document = [entry for entry in histories[key] if entry.details.get("documentId") == document_id]
        relocated = any(entry.action == _RELOCATED for entry in of_document)
        if relocated is not (document_id in corrected):
            problem = "doesn't contain" if document_id in corrected else "wrongly contains"
            found.append(f"the history {problem} a change of locations of document {document_id}")
    return [violation(Kind.UNAUDITED, None, sentence) for sentence in found]


def wrong_history(key: str, entries: Collection[AuditEntry], requests: CallerRequests) -> list[str]:
    """What is wrong with the history of one recording, given the requests of callers."""
    entered = Counter(entry.action for entry in entries)
    requested, confirmed = requests.requested.get(key, Counter()), requests.confirmed.get(key, Counter())
    found = [
        f"the history of recording {key} has {entered[wanted]} entries of {wanted!r}; "
        f"{requested[wanted]} were requested, {confirmed[wanted]} confirmed"
        for wanted in (REPLAY, READ)
        if not confirmed[wanted] <= entered[wanted] <= requested[wanted]
    ]
    nameless = [entry.action for entry in entries if not entry.by]
    return found + [f"the history of recording {key} has an entry without a caller: {action}" for action in nameless]
