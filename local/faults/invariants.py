"""Callvault's guarantees, checked against storage at the end of a run. Each violation is one sentence.

Only announced documents may be in the catalogue and the archive, and every one of them must be: released with its very
bytes in the archive if its source lived long enough after the last fault, else failed or lost with a reason. No chunk
is called lost while its source exists, no source is gone whose bytes aren't in the archive, and whatever became of a
chunk was announced.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from local.faults.course import Course
from local.faults.evidence import Evidence, Original
from local.faults.news import misled, untold
from local.faults.oddities import End
from local.faults.violations import Kind, Violation, violation
from shared.domain.keys import blob_stem
from shared.domain.records import Chunk
from shared.domain.states import IN_TROUBLE, SAFE, ChunkState

_METADATA = ".metadata.json"
_MEDIA = (".wav", ".mp3", ".mp4")
_SKEW = timedelta(minutes=5)  # between two workers' clocks, and the time that a request takes
_UNTOUCHED = Course()


def violations(evidence: Evidence, announced: Collection[str], course: Course = _UNTOUCHED) -> list[Violation]:
    """What is wrong with a run in which these documents were announced."""
    found = [*_catalogue(evidence, announced, course)]
    claimed: set[str] = set()
    for chunk in evidence.chunks:
        original = evidence.originals.get(chunk.document_id)
        if original is None:
            continue
        files = _files_of(chunk, evidence)
        claimed |= files.keys()
        for kind, sentence in (
            *_state(chunk, original, course),
            *_archive(chunk, original, files, course),
            *_labels(chunk, files, evidence),
            *_source(chunk, original, evidence, course),
        ):
            found.append(violation(kind, chunk.document_id, f"{sentence} (it is {chunk.state})"))
    found += [
        violation(Kind.DUPLICATED, None, f"the archive holds a file that belongs to no chunk: {name}")
        for name in sorted(evidence.files.keys() - claimed)
    ]
    found += [
        violation(Kind.UNTOLD, document_id, sentence)
        for document_id, sentence in untold(evidence)
        if document_id is None or course.rests(document_id)
    ]
    found += [violation(Kind.DISAGREES, document_id, sentence) for document_id, sentence in misled(evidence)]
    return [*found, *_queues(evidence, course), *_worklist(evidence, course)]


def _catalogue(evidence: Evidence, announced: Collection[str], course: Course) -> Iterator[Violation]:
    counted = Counter(chunk.document_id for chunk in evidence.chunks)
    for document_id in announced:
        end = course.end_of(document_id)
        if document_id not in counted and end not in {End.REFUSED, End.IGNORED}:
            yield violation(Kind.MISSING, document_id, "was announced, and the catalogue doesn't know it")
        if document_id in counted and end is End.IGNORED:
            yield violation(Kind.DISAGREES, document_id, "is none of the app's, and is in the catalogue")
    for document_id, number in counted.items():
        if number > 1:
            yield violation(Kind.DUPLICATED, document_id, f"is {number} times in the catalogue")
        if document_id not in announced:
            yield violation(Kind.DUPLICATED, document_id, "is in the catalogue, and nobody announced it")
    for document_id, original in evidence.originals.items():
        if original.deleted_at is not None and document_id not in counted:
            yield violation(Kind.DELETED_EARLY, document_id, "its source is deleted, and the catalogue doesn't know it")


def _state(chunk: Chunk, original: Original, course: Course) -> Iterator[tuple[Kind, str]]:
    if chunk.state in IN_TROUBLE and not chunk.reason:
        yield Kind.UNFINISHED, "no reason is given"
    if chunk.state is ChunkState.LOST and (chunk.lost_at is None or _existed(original, chunk.lost_at)):
        yield Kind.GIVEN_UP, "it was given up while its source existed"
    if course.quiet_at is None:
        if chunk.state not in SAFE | IN_TROUBLE:
            yield Kind.UNFINISHED, "it came to no end"
        return
    if course.end_of(chunk.document_id) is End.REFUSED and chunk.state is ChunkState.RELEASED:
        yield Kind.DELETED_EARLY, "it can't be archived rightly, and was released"
    if course.decides(original):
        yield from _decided(chunk, course)


def _decided(chunk: Chunk, course: Course) -> Iterator[tuple[Kind, str]]:
    """Violations of a chunk whose source existed for hours after the last fault."""
    end = course.end_of(chunk.document_id)
    if end in {End.REFUSED, End.IGNORED}:
        return
    if chunk.document_id in course.wants_media:
        if chunk.blob_name is None:
            yield Kind.GIVEN_UP, "its media could be copied, and aren't in the archive"
    elif chunk.state not in SAFE:
        kind = Kind.GIVEN_UP if chunk.state in IN_TROUBLE else Kind.UNFINISHED
        yield kind, "it isn't archived hours after the last fault, and its source existed"
    elif end is End.KEPT and chunk.state is ChunkState.RELEASED:
        yield Kind.DELETED_EARLY, "it was released although nothing says what to delete"


def _existed(original: Original, at: datetime) -> bool:
    ended = min(filter(None, (original.deleted_at, original.expires_at)))
    return ended > at + _SKEW


def _archive(chunk: Chunk, original: Original, files: dict[str, str], course: Course) -> Iterator[tuple[Kind, str]]:
    media = [name for name in files if not name.endswith(_METADATA)]
    metadata = [name for name in files if name.endswith(_METADATA)]
    if chunk.document_id in course.tampered and chunk.state is not ChunkState.RELEASED:
        return
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
            yield Kind.DISAGREES, "the catalogue names other files or digests than are in the archive"


def _labels(chunk: Chunk, files: dict[str, str], evidence: Evidence) -> Iterator[tuple[Kind, str]]:
    """Violations in the blobs' metadata, from which alone the catalogue must be rebuildable."""
    if chunk.state not in SAFE:
        return
    for name in filter(None, (chunk.blob_name, chunk.metadata_blob_name)):
        labels = {key.lower(): value for key, value in evidence.labels.get(name, {}).items()}
        if name in files and labels.get("documentid") != chunk.document_id:
            yield Kind.DISAGREES, f"{name.rpartition('.')[2]} names another document on its file"
        if name in files and labels.get("sha256", files[name]) != files[name]:
            yield Kind.DISAGREES, f"{name.rpartition('.')[2]} has another digest on its file than its bytes have"


def _source(chunk: Chunk, original: Original, evidence: Evidence, course: Course) -> Iterator[tuple[Kind, str]]:
    end = course.end_of(chunk.document_id)
    if original.deleted_at is None:
        lives = course.decides(original) if course.quiet_at else original.expires_at > evidence.now
        if chunk.state in SAFE and end is End.RELEASED and lives:
            yield Kind.DISAGREES, "its source wasn't deleted"
        return
    if not {original.sha256, original.metadata_sha256} <= set(evidence.files.values()):
        yield Kind.DELETED_EARLY, "its source is deleted, and its bytes are not in the archive"
    if chunk.archived_at is None or original.deleted_at < chunk.archived_at - _SKEW:
        yield Kind.DELETED_EARLY, "its source was deleted before it was archived"


def _files_of(chunk: Chunk, evidence: Evidence) -> dict[str, str]:
    stem = blob_stem(
        started_at=chunk.started_at,
        recording_key=chunk.recording_key,
        index=chunk.index,
        document_id=chunk.document_id,
    )
    return {name: sha256 for name, sha256 in evidence.files.items() if name.startswith(f"{stem}.")}


def _queues(evidence: Evidence, course: Course) -> Iterator[Violation]:
    waiting = evidence.queued if course.quiet_at is None else 0
    for name, number in (("queue of jobs", waiting), ("poison queue", evidence.poisoned)):
        if number:
            yield violation(Kind.UNFINISHED, None, f"the {name} still holds {number} messages")
    if len(evidence.quarantined) < course.quarantined:
        held = len(evidence.quarantined)
        yield violation(Kind.MISSING, None, f"quarantine holds {held} of {course.quarantined} events")


def _worklist(evidence: Evidence, course: Course) -> Iterator[Violation]:
    """Open is what a sweep may still do something about: a failed chunk is, one that ACS has destroyed by now isn't."""
    listed: dict[str, int] = defaultdict(int)
    for row in evidence.rows:
        if row.chunk_key is not None:
            listed[row.chunk_key] += 1
    for chunk in evidence.chunks:
        rows = listed.pop(chunk.chunk_key, 0)
        original = evidence.originals.get(chunk.document_id)
        done = chunk.state in {ChunkState.RELEASED, ChunkState.LOST}
        if done and rows:
            yield violation(Kind.DISAGREES, chunk.document_id, f"is {chunk.state}, and still on the worklist")
        lives = original is not None and original.expires_at > evidence.now
        must = chunk.state not in {*SAFE, ChunkState.LOST} and course.end_of(chunk.document_id) is not End.REFUSED
        if must and lives and not rows:
            yield violation(Kind.DISAGREES, chunk.document_id, f"is {chunk.state}, and not on the worklist")
    if stray := sum(listed.values()):
        yield violation(Kind.DISAGREES, None, f"the worklist holds {stray} rows of no chunk")
