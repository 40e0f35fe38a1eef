"""What the topic should have been told by the end: of every chunk where it ended, and of every complete recording.

A recording is told of after each of the chunks that it names was told safe, each time.
"""

from collections import defaultdict
from collections.abc import Iterator

from local.faults.evidence import Evidence
from shared.contracts.events.announcements import AnnouncementType
from shared.domain.records import Chunk, Recording
from shared.domain.states import ChunkState

_DELIVERIES = 5  # of a message; a chunk that ended its worker at each may be called failed
_TYPES = {
    ChunkState.ARCHIVED: AnnouncementType.CHUNK_ARCHIVED,
    ChunkState.RELEASED: AnnouncementType.CHUNK_ARCHIVED,
    ChunkState.FAILED: AnnouncementType.CHUNK_FAILED,
    ChunkState.LOST: AnnouncementType.CHUNK_LOST,
}


def untold(evidence: Evidence) -> Iterator[tuple[str | None, str]]:
    """Sentences about what was not announced, or too early; with the document, where it is about one."""
    told = {(one.type, document) for one in evidence.told for document in one.documents}
    recordings: dict[str, list[Chunk]] = defaultdict(list)
    for chunk in evidence.chunks:
        recordings[chunk.recording_key].append(chunk)
        if chunk.outbox is not None:
            yield chunk.document_id, "something of it is still to be announced"
        if chunk.outbox is None and chunk.state in _TYPES and (_TYPES[chunk.state], chunk.document_id) not in told:
            yield chunk.document_id, f"is {chunk.state}, and nobody was told"
    complete = {frozenset(one.documents) for one in evidence.told if one.type == AnnouncementType.RECORDING_COMPLETE}
    for key, chunks in recordings.items():
        named = frozenset(chunk.document_id for chunk in chunks)
        if Recording(recording_key=key).is_complete(tuple(chunks)) and named not in complete:
            yield None, f"recording {key} is complete, and nobody was told"
    yield from _early(evidence)


def _early(evidence: Evidence) -> Iterator[tuple[str, str]]:
    safe: set[str] = set()
    for one in evidence.told:
        if one.type == AnnouncementType.CHUNK_ARCHIVED:
            safe.update(one.documents)
        elif one.type == AnnouncementType.RECORDING_COMPLETE:
            for document in one.documents:
                if document not in safe:
                    yield document, "its recording was announced complete before it was announced safe"


def misled(evidence: Evidence) -> Iterator[tuple[str | None, str]]:
    """Sentences about announcements that were wrong: of one event under two ids, and of a loss that was none."""
    ids: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for one in evidence.told:
        if one.type != AnnouncementType.RECORDING_COMPLETE:  # of other files it is another event of the same time
            ids[one.type, one.subject, one.at.isoformat()].add(one.announcement_id)
        for document in one.documents:
            original = evidence.originals.get(document)
            if one.type == AnnouncementType.CHUNK_LOST and original is not None and original.expires_at > one.at:
                yield document, "was announced as lost while its source existed"
            poisoned = one.type == AnnouncementType.CHUNK_FAILED and one.reason == "poisoned"
            if poisoned and 0 < one.attempts < _DELIVERIES:
                yield document, "was called failed for one message, and others had been worked"
    for (told, subject, _), given in ids.items():
        if len(given) > 1:
            yield None, f"{told} of {subject} was announced under {len(given)} ids"
