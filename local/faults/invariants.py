"""The promise, as statements about what stands when everything has settled; each violation is a sentence.

Only announced documents may be in the catalogue and the archive, and every one of them must be: released or archived
with its very bytes, or failed or lost with a reason. No source is gone whose bytes don't stand in the archive, and
whatever became of a chunk was announced.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from local.faults.evidence import Evidence, Original
from local.faults.news import untold
from shared.identity import blob_stem
from shared.records import Chunk
from shared.states import IN_TROUBLE, SAFE, ChunkState

_METADATA = ".metadata.json"
_MEDIA = (".wav", ".mp3", ".mp4")


class Kind(StrEnum):
    UNFINISHED = "unfinished"
    MISSING = "missing"
    DUPLICATED = "duplicated"
    DELETED_EARLY = "deleted early"
    BYTES_WRONG = "bytes wrong"
    DISAGREES = "disagrees"
    UNTOLD = "untold"


@dataclass(frozen=True, kw_only=True)
class Violation:
    kind: Kind
    document_id: str | None
    sentence: str


def violations(evidence: Evidence, announced: Collection[str]) -> list[Violation]:
    """What is wrong with a run in which these documents were announced."""
    found = [*_catalogue(evidence, announced)]
    claimed: set[str] = set()
    for chunk in evidence.chunks:
        original = evidence.originals.get(chunk.document_id)
        if original is None:
            continue
        files = _files_of(chunk, evidence)
        claimed |= files.keys()
        for kind, sentence in (
            *_state(chunk, original, evidence),
            *_archive(chunk, original, files),
            *_source(chunk, original, files, evidence),
        ):
            found.append(_violation(kind, chunk.document_id, f"{sentence} (it is {chunk.state})"))
    found += [
        _violation(Kind.DUPLICATED, None, f"the archive holds a file that belongs to no chunk: {name}")
        for name in sorted(evidence.files.keys() - claimed)
    ]
    found += [_violation(Kind.UNTOLD, document_id, sentence) for document_id, sentence in untold(evidence)]
    return [*found, *_queues(evidence), *_worklist(evidence)]


def _violation(kind: Kind, document_id: str | None, sentence: str) -> Violation:
    about = f"document {document_id}: " if document_id else ""
    return Violation(kind=kind, document_id=document_id, sentence=f"{about}{sentence}")


def _catalogue(evidence: Evidence, announced: Collection[str]) -> Iterator[Violation]:
    counted = Counter(chunk.document_id for chunk in evidence.chunks)
    for document_id in announced:
        if document_id not in counted:
            yield _violation(Kind.MISSING, document_id, "was announced, and the catalogue doesn't know it")
    for document_id, number in counted.items():
        if number > 1:
            yield _violation(Kind.DUPLICATED, document_id, f"stands {number} times in the catalogue")
        if document_id not in announced:
            yield _violation(Kind.DUPLICATED, document_id, "is in the catalogue, and nobody announced it")


def _state(chunk: Chunk, original: Original, evidence: Evidence) -> Iterator[tuple[Kind, str]]:
    if chunk.state not in SAFE | IN_TROUBLE:
        yield Kind.UNFINISHED, "its way has no end"
    if chunk.state in IN_TROUBLE and not chunk.reason:
        yield Kind.UNFINISHED, "no reason is given"
    if chunk.state is ChunkState.LOST and original.deleted_at is None and original.expires_at > evidence.now:
        yield Kind.UNFINISHED, "it is given up though the source is still there"


def _archive(chunk: Chunk, original: Original, files: dict[str, str]) -> Iterator[tuple[Kind, str]]:
    media = [name for name in files if not name.endswith(_METADATA)]
    metadata = [name for name in files if name.endswith(_METADATA)]
    for what, names, sha256 in (("media", media, original.sha256), ("metadata", metadata, original.metadata_sha256)):
        if len(names) > 1:
            yield Kind.DUPLICATED, f"the archive holds its {what} {len(names)} times"
        for name in names:
            if files[name] != sha256:
                yield Kind.BYTES_WRONG, f"its archived {what} are not the original's bytes"
        if chunk.state in SAFE and not names:
            yield Kind.MISSING, f"its {what} are not in the archive"
    if chunk.state in SAFE:
        recorded = ((chunk.blob_name, chunk.sha256), (chunk.metadata_blob_name, chunk.metadata_sha256))
        if any(name is None or files.get(name) != sha256 for name, sha256 in recorded):
            yield Kind.DISAGREES, "the catalogue names other files or digests than stand in the archive"


def _source(chunk: Chunk, original: Original, files: dict[str, str], evidence: Evidence) -> Iterator[tuple[Kind, str]]:
    if original.deleted_at is None:
        if chunk.state is ChunkState.RELEASED and original.expires_at > evidence.now:
            yield Kind.DISAGREES, "its source is still there"
        return
    if not {original.sha256, original.metadata_sha256} <= set(files.values()):
        yield Kind.DELETED_EARLY, "its source is deleted, and its bytes are not in the archive"
    if chunk.archived_at is None or original.deleted_at < chunk.archived_at:
        yield Kind.DELETED_EARLY, "its source was deleted before it was archived"


def _files_of(chunk: Chunk, evidence: Evidence) -> dict[str, str]:
    stem = blob_stem(
        started_at=chunk.started_at,
        recording_key=chunk.recording_key,
        index=chunk.index,
        document_id=chunk.document_id,
    )
    names = [stem + ending for ending in (*_MEDIA, _METADATA)]
    return {name: evidence.files[name] for name in names if name in evidence.files}


def _queues(evidence: Evidence) -> Iterator[Violation]:
    for name, number in (("queue of jobs", evidence.queued), ("poison queue", evidence.poisoned)):
        if number:
            yield _violation(Kind.UNFINISHED, None, f"the {name} still holds {number} messages")


def _worklist(evidence: Evidence) -> Iterator[Violation]:
    """Open is what a sweep may still do something about: a failed chunk is, one that ACS has destroyed by now isn't."""
    listed: dict[str, int] = defaultdict(int)
    for row in evidence.rows:
        listed[row.chunk_key or ""] += 1
    for chunk in evidence.chunks:
        rows = listed.pop(chunk.chunk_key, 0)
        done = chunk.state in {ChunkState.RELEASED, ChunkState.LOST}
        if done and rows:
            yield _violation(Kind.DISAGREES, chunk.document_id, f"is {chunk.state}, and still on the worklist")
        # Past its deadline nothing is left to do for an archived chunk, nor for one that lacks its metadata alone.
        halves = chunk.state is ChunkState.FAILED and chunk.blob_name is not None
        left = (chunk.state is ChunkState.ARCHIVED or halves) and chunk.deadline <= evidence.now
        if not done and not left and rows != 1:
            yield _violation(Kind.DISAGREES, chunk.document_id, f"is {chunk.state}, and {rows} times on the worklist")
    if stray := sum(listed.values()):
        yield _violation(Kind.DISAGREES, None, f"the worklist holds {stray} rows of no chunk")
