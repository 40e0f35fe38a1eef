"""What the topic should have been told by the end: of every chunk where it ended, and of every complete recording.

A recording is told of after each of its chunks was.
"""

from collections import defaultdict
from collections.abc import Iterator

from local.faults.evidence import Evidence, Told
from shared.completion import is_complete
from shared.contracts.announcements import AnnouncementType
from shared.records import Chunk, Recording
from shared.states import ChunkState

_TYPES = {
    ChunkState.ARCHIVED: AnnouncementType.CHUNK_ARCHIVED,
    ChunkState.RELEASED: AnnouncementType.CHUNK_ARCHIVED,
    ChunkState.FAILED: AnnouncementType.CHUNK_FAILED,
    ChunkState.LOST: AnnouncementType.CHUNK_LOST,
}


def untold(evidence: Evidence) -> Iterator[tuple[str | None, str]]:
    """Sentences about what was not announced, or too early; with the document, where it is about one."""
    recordings: dict[str, list[Chunk]] = defaultdict(list)
    for chunk in evidence.chunks:
        recordings[chunk.recording_key].append(chunk)
        if chunk.outbox is not None:
            yield chunk.document_id, "something of it is still to be announced"
        if chunk.state in _TYPES and _of(chunk) not in evidence.told:
            yield chunk.document_id, f"is {chunk.state}, and nobody was told"
    for key, chunks in recordings.items():
        if not is_complete(Recording(recording_key=key), tuple(chunks)):
            continue
        whole = Told(type=AnnouncementType.RECORDING_COMPLETE, subject=f"recordings/{key}")
        if whole not in evidence.told:
            yield None, f"recording {key} is complete, and nobody was told"
        elif not set(map(_of, chunks)) <= set(evidence.told[: _last(evidence, whole)]):
            yield None, f"recording {key} was announced before one of its chunks"


def _of(chunk: Chunk) -> Told:
    subject = f"recordings/{chunk.recording_key}/chunks/{chunk.chunk_key}"
    return Told(type=_TYPES[chunk.state], subject=subject)


def _last(evidence: Evidence, told: Told) -> int:
    return len(evidence.told) - 1 - evidence.told[::-1].index(told)
