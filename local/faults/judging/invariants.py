"""Callvault's guarantees, checked against storage at the end of a run. Each violation is one sentence.

The catalogue and the archive contain every announced document, and no others. A document is released, with the
original's bytes in the archive, if its source existed long enough after the last fault; else it is failed or lost, with
a reason. No chunk is lost while its source exists. No source is deleted unless its bytes are in the archive. The end of
each chunk was announced.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from local.faults.judging.announcements import unannounced, wrong_announcements
from local.faults.judging.expectations import Expectations
from local.faults.judging.violations import Kind, Violation, violation
from local.faults.running_stack.evidence import Evidence, Original
from local.faults.schedules.unusual_events import End
from shared.domain.keys import blob_stem
from shared.domain.records import Chunk
from shared.domain.states import IN_TROUBLE, SAFE, ChunkState

_METADATA = ".metadata.json"
_MEDIA = (".wav", ".mp3", ".mp4")
_SKEW = timedelta(minutes=5)  # between two workers' clocks, and the time that a request takes
_UNTOUCHED = Expectations()


def violations(evidence: Evidence, announced: Collection[str], expected: Expectations = _UNTOUCHED) -> list[Violation]:
    """All violations in a run in which these documents were announced."""
    found = [*_catalogue(evidence, announced, expected)]
    claimed: set[str] = set()
    for chunk in evidence.chunks:
        original = evidence.originals.get(chunk.document_id)
        if original is None:
            continue
        files = _files_of(chunk, evidence)
        claimed |= files.keys()
        for kind, sentence in (
            *_state(chunk, original, expected),
            *_archive(chunk, original, files, expected),
            *_labels(chunk, files, evidence),
            *_source(chunk, original, evidence, expected),
        ):
            found.append(violation(kind, chunk.document_id, f"{sentence} (it is {chunk.state})"))
    found += [
        violation(Kind.DUPLICATED, None, f"the archive has a file without a chunk: {name}")
        for name in sorted(evidence.files.keys() - claimed)
    ]
    found += [
        violation(Kind.UNANNOUNCED, document_id, sentence)
        for document_id, sentence in unannounced(evidence)
        if document_id is None or expected.ends_in_time(document_id)
    ]
    found += [
        violation(Kind.DISAGREES, document_id, sentence)
        for document_id, sentence in wrong_announcements(evidence, expected.corrected)
    ]
    return [*found, *_queues(evidence, expected), *_worklist(evidence, expected)]


def _catalogue(evidence: Evidence, announced: Collection[str], expected: Expectations) -> Iterator[Violation]:
    counted = Counter(chunk.document_id for chunk in evidence.chunks)
    for document_id in announced:
        end = expected.end_of(document_id)
        if document_id not in counted and end not in {End.REFUSED, End.IGNORED}:
            yield violation(Kind.MISSING, document_id, "was announced, but isn't in the catalogue")
        if document_id in counted and end is End.IGNORED:
            yield violation(Kind.DISAGREES, document_id, "must be ignored, but is in the catalogue")
    for document_id, number in counted.items():
        if number > 1:
            yield violation(Kind.DUPLICATED, document_id, f"is {number} times in the catalogue")
        if document_id not in announced:
            yield violation(Kind.DUPLICATED, document_id, "is in the catalogue, but was never announced")
    for document_id, original in evidence.originals.items():
        if original.deleted_at is not None and document_id not in counted:
            yield violation(Kind.DELETED_EARLY, document_id, "its source is deleted, but it isn't in the catalogue")


def _state(chunk: Chunk, original: Original, expected: Expectations) -> Iterator[tuple[Kind, str]]:
    if chunk.state in IN_TROUBLE and not chunk.reason:
        yield Kind.UNFINISHED, "it has no reason"
    if chunk.state is ChunkState.LOST and (chunk.lost_at is None or _existed(original, chunk.lost_at)):
        yield Kind.GIVEN_UP, "it was marked as lost while its source existed"
    if expected.quiet_at is None:
        if chunk.state not in SAFE | IN_TROUBLE:
            yield Kind.UNFINISHED, "it didn't end"
        return
    if expected.end_of(chunk.document_id) is End.REFUSED and chunk.state is ChunkState.RELEASED:
        yield Kind.DELETED_EARLY, "it can't be archived correctly, but was released"
    if expected.decides(original):
        yield from _decided(chunk, expected)


def _decided(chunk: Chunk, expected: Expectations) -> Iterator[tuple[Kind, str]]:
    """Violations of a chunk whose source existed for hours after the last fault."""
    end = expected.end_of(chunk.document_id)
    if end in {End.REFUSED, End.IGNORED}:
        return
    if chunk.document_id in expected.wants_media:
        if chunk.blob_name is None:
            yield Kind.GIVEN_UP, "its media could be copied, but aren't in the archive"
    elif chunk.state not in SAFE:
        kind = Kind.GIVEN_UP if chunk.state in IN_TROUBLE else Kind.UNFINISHED
        yield kind, "it isn't archived hours after the last fault, although its source existed"
    elif end is End.KEPT and chunk.state is ChunkState.RELEASED:
        yield Kind.DELETED_EARLY, "it was released without a valid delete location"


def _existed(original: Original, at: datetime) -> bool:
    ended = min(filter(None, (original.deleted_at, original.expires_at)))
    return ended > at + _SKEW


def _archive(
    chunk: Chunk, original: Original, files: dict[str, str], expected: Expectations
) -> Iterator[tuple[Kind, str]]:
    media = [name for name in files if not name.endswith(_METADATA)]
    metadata = [name for name in files if name.endswith(_METADATA)]
    if chunk.document_id in expected.tampered and chunk.state is not ChunkState.RELEASED:
        return
    for what, names, sha256 in (("media", media, original.sha256), ("metadata", metadata, original.metadata_sha256)):
        if len(names) > 1:
            yield Kind.DUPLICATED, f"the archive has its {what} {len(names)} times"
        for name in names:
            if files[name] != sha256:
                yield Kind.BYTES_WRONG, f"its archived {what} are not the original's bytes"
        if chunk.state in SAFE and not names:
            yield Kind.MISSING, f"its {what} are not in the archive"
    if chunk.state in SAFE:
        recorded = ((chunk.blob_name, chunk.sha256), (chunk.metadata_blob_name, chunk.metadata_sha256))
        if any(name is None or files.get(name) != sha256 for name, sha256 in recorded):
            yield Kind.DISAGREES, "the files or digests in the catalogue don't match the archive"


def _labels(chunk: Chunk, files: dict[str, str], evidence: Evidence) -> Iterator[tuple[Kind, str]]:
    """Violations in the blobs' metadata, from which alone the catalogue must be rebuildable."""
    if chunk.state not in SAFE:
        return
    for name in filter(None, (chunk.blob_name, chunk.metadata_blob_name)):
        labels = {key.lower(): value for key, value in evidence.labels.get(name, {}).items()}
        if name in files and labels.get("documentid") != chunk.document_id:
            yield Kind.DISAGREES, f"{name.rpartition('.')[2]} has the metadata of another document"
        if name in files and labels.get("sha256", files[name]) != files[name]:
            yield Kind.DISAGREES, f"{name.rpartition('.')[2]} has a digest in its metadata that doesn't match its bytes"


def _source(chunk: Chunk, original: Original, evidence: Evidence, expected: Expectations) -> Iterator[tuple[Kind, str]]:
    end = expected.end_of(chunk.document_id)
    if original.deleted_at is None:
        lives = expected.decides(original) if expected.quiet_at else original.expires_at > evidence.now
        if chunk.state in SAFE and end is End.RELEASED and lives:
            yield Kind.DISAGREES, "its source wasn't deleted"
        return
    if not {original.sha256, original.metadata_sha256} <= set(evidence.files.values()):
        yield Kind.DELETED_EARLY, "its source is deleted, but its bytes aren't in the archive"
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


def _queues(evidence: Evidence, expected: Expectations) -> Iterator[Violation]:
    waiting = evidence.queued if expected.quiet_at is None else 0
    for name, number in (("queue of jobs", waiting), ("poison queue", evidence.poisoned)):
        if number:
            yield violation(Kind.UNFINISHED, None, f"the {name} still holds {number} messages")
    if len(evidence.quarantined) < expected.quarantined:
        held = len(evidence.quarantined)
        yield violation(Kind.MISSING, None, f"quarantine has {held} of {expected.quarantined} events")


def _worklist(evidence: Evidence, expected: Expectations) -> Iterator[Violation]:
    """A chunk is open while the sweep can still act on it. That includes failed chunks until their source expires."""
    listed: dict[str, int] = defaultdict(int)
    for row in evidence.rows:
        if row.chunk_key is not None:
            listed[row.chunk_key] += 1
    for chunk in evidence.chunks:
        rows = listed.pop(chunk.chunk_key, 0)
        original = evidence.originals.get(chunk.document_id)
        done = chunk.state in {ChunkState.RELEASED, ChunkState.LOST}
        if done and rows:
            yield violation(Kind.DISAGREES, chunk.document_id, f"is {chunk.state}, but still on the worklist")
        lives = original is not None and original.expires_at > evidence.now
        must = chunk.state not in {*SAFE, ChunkState.LOST} and expected.end_of(chunk.document_id) is not End.REFUSED
        if must and lives and not rows:
            yield violation(Kind.DISAGREES, chunk.document_id, f"is {chunk.state}, but not on the worklist")
    if stray := sum(listed.values()):
        yield violation(Kind.DISAGREES, None, f"the worklist has {stray} rows without a chunk")
