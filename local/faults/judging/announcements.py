"""Checks the announcements: the end of every chunk and every complete recording must have been announced.

A recording is announced as complete only after each of its chunks was announced as archived.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator

from local.faults.running_stack.evidence import Evidence
from shared.contracts.events.announcements import AnnouncementType
from shared.domain.records import Chunk, Recording
from shared.domain.states import ChunkState

_DELIVERIES = 5  # of a message; a chunk whose worker died in each may be marked as failed
_TYPES = {
    ChunkState.ARCHIVED: AnnouncementType.CHUNK_ARCHIVED,
    ChunkState.RELEASED: AnnouncementType.CHUNK_ARCHIVED,
    ChunkState.FAILED: AnnouncementType.CHUNK_FAILED,
    ChunkState.LOST: AnnouncementType.CHUNK_LOST,
}


def unannounced(evidence: Evidence) -> Iterator[tuple[str | None, str]]:
    """Violations: something wasn't announced, or too early. With the documentId if it concerns one document."""
    announced = {(one.type, document) for one in evidence.announcements for document in one.documents}
    recordings: dict[str, list[Chunk]] = defaultdict(list)
    for chunk in evidence.chunks:
        recordings[chunk.recording_key].append(chunk)
        if chunk.outbox is not None:
            yield chunk.document_id, "one of its announcements is still pending"
        if chunk.outbox is None and chunk.state in _TYPES and (_TYPES[chunk.state], chunk.document_id) not in announced:
            yield chunk.document_id, f"is {chunk.state}, but that wasn't announced"
    complete = {
        frozenset(one.documents) for one in evidence.announcements if one.type == AnnouncementType.RECORDING_COMPLETE
    }
    for key, chunks in recordings.items():
        named = frozenset(chunk.document_id for chunk in chunks)
        if Recording(recording_key=key).is_complete(tuple(chunks)) and named not in complete:
            yield None, f"recording {key} is complete, but that wasn't announced"
    yield from _early(evidence)


def _early(evidence: Evidence) -> Iterator[tuple[str, str]]:
    safe: set[str] = set()
    for one in evidence.announcements:
        if one.type == AnnouncementType.CHUNK_ARCHIVED:
            safe.update(one.documents)
        elif one.type == AnnouncementType.RECORDING_COMPLETE:
            for document in one.documents:
                if document not in safe:
                    yield document, "its recording was announced as complete before the chunk was announced as archived"


def wrong_announcements(evidence: Evidence, corrected: Collection[str]) -> Iterator[tuple[str | None, str]]:
    """Violations: one fact announced under two ids, or a loss announced while the source existed.

    `corrected`: documents whose first event named wrong locations. Until the correct event comes, the product can only
    ask there, so after four hours of 404s it rightly announces a loss.
    """
    ids: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for one in evidence.announcements:
        if one.type != AnnouncementType.RECORDING_COMPLETE:  # with other files it is another announcement
            ids[one.type, one.subject, one.at.isoformat()].add(one.announcement_id)
        for document in one.documents:
            original = evidence.originals.get(document)
            lost = one.type == AnnouncementType.CHUNK_LOST and document not in corrected
            if lost and original is not None and original.expires_at > one.at:
                yield document, "was announced as lost while its source existed"
            poisoned = one.type == AnnouncementType.CHUNK_FAILED and one.reason == "poisoned"
            if poisoned and 0 < one.attempts < _DELIVERIES:
                yield document, "was marked as failed because of one message, although others were processed"
    for (kind, subject, _), found in ids.items():
        if len(found) > 1:
            yield None, f"{kind} of {subject} was announced under {len(found)} ids"
