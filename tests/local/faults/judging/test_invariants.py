"""The invariants detect each violation. A schedule can only show what they detect."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.faults.judging.expectations import DECIDED, Expectations
from local.faults.judging.invariants import violations
from local.faults.running_stack.evidence import Announcement, Evidence, Original, Row
from local.faults.schedules.scenarios import Tampering
from local.faults.schedules.unusual_events import End
from shared.contracts.events.announcements import AnnouncementType
from shared.domain.failure import Failure
from shared.domain.keys import blob_stem, key_of
from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from shared.errors import Fault

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DOCUMENT, RECORDING = "0-weu-d1-0123", "ab" * 16
QUIET = NOW - DECIDED
LONG, SHORT = NOW + timedelta(hours=3), QUIET + timedelta(hours=1)  # when a source expires
FAILURE = Failure(fault=Fault.SOURCE, reason="acs-unavailable", detail="ACS answered 503")
DONE = frozenset({ChunkState.RELEASED, ChunkState.LOST})  # not on the worklist
STEM = blob_stem(started_at=NOW, recording_key=RECORDING, index=0, document_id=DOCUMENT)
FILES = {f"{STEM}.wav": "media", f"{STEM}.metadata.json": "metadata"}


def chunk(state: ChunkState, **more: Any) -> Chunk:
    safe = {"archived_at": NOW - timedelta(hours=2), "blob_name": f"{STEM}.wav", "sha256": "media"}
    safe |= {"metadata_blob_name": f"{STEM}.metadata.json", "metadata_sha256": "metadata"}
    is_safe = state in {ChunkState.ARCHIVED, ChunkState.RELEASED}
    given: dict[str, Any] = {
        "recording_key": RECORDING,
        "chunk_key": key_of(DOCUMENT),
        "document_id": DOCUMENT,
        "index": 0,
        "content_location": "https://a",
        "metadata_location": "https://b",
        "delete_location": "https://c",
        "started_at": NOW,
        "event_id": "e",
        "event_time": NOW - timedelta(hours=20),
        "deadline": LONG,
        "pending_at": NOW - timedelta(hours=20),
        "failure": None if is_safe else FAILURE,
        "state": state,
    }
    return Chunk(**given | (safe if is_safe else {}) | more)


def evidence(one: Chunk, *, expires_at: datetime = LONG, deleted: bool = False, **more: Any) -> Evidence:
    types = {
        ChunkState.FAILED: AnnouncementType.CHUNK_FAILED,
        ChunkState.LOST: AnnouncementType.CHUNK_LOST,
        ChunkState.ARCHIVED: AnnouncementType.CHUNK_ARCHIVED,
        ChunkState.RELEASED: AnnouncementType.CHUNK_ARCHIVED,
    }
    ended = Announcement(
        type=types.get(one.state, ""), subject="s", documents=(DOCUMENT,), announcement_id="1", at=NOW, reason=None
    )
    complete = replace(ended, type=AnnouncementType.RECORDING_COMPLETE)
    safe = one.state in {ChunkState.ARCHIVED, ChunkState.RELEASED}
    given: dict[str, Any] = {
        "originals": {
            DOCUMENT: Original(
                sha256="media",
                metadata_sha256="metadata",
                deleted_at=NOW - timedelta(hours=1) if deleted else None,
                expires_at=expires_at,
            )
        },
        "chunks": [one],
        "rows": [] if one.state in DONE else [Row(recording_key=RECORDING, chunk_key=one.chunk_key)],
        "announcements": [ended, complete] if safe else [ended],
        "files": FILES if safe else {},
        "labels": {name: {"documentid": DOCUMENT} for name in FILES} if safe else {},
        "quarantined": [],
        "queued": 0,
        "poisoned": 0,
        "now": NOW,
    }
    return Evidence(**given | more)


def sentences(found: Evidence, **expected: Any) -> list[str]:
    return [one.sentence for one in violations(found, [DOCUMENT], Expectations(quiet_at=QUIET, **expected))]


def test_a_released_chunk_with_its_bytes_is_no_violation():
    assert sentences(evidence(chunk(ChunkState.RELEASED), deleted=True)) == []


@pytest.mark.parametrize("state", [ChunkState.PENDING, ChunkState.FAILED])
def test_a_chunk_must_be_archived_hours_after_the_last_fault(state: ChunkState):
    assert "hours after the last fault" in " ".join(sentences(evidence(chunk(state))))
    assert sentences(evidence(chunk(state), expires_at=SHORT)) == []


def test_a_chunk_is_not_lost_while_its_source_exists():
    early = chunk(ChunkState.LOST, lost_at=SHORT - timedelta(hours=1))
    assert "marked as lost while its source existed" in " ".join(sentences(evidence(early, expires_at=SHORT)))
    assert sentences(evidence(chunk(ChunkState.LOST, lost_at=NOW), expires_at=SHORT)) == []


def test_a_loss_is_not_announced_while_the_source_exists():
    found = evidence(chunk(ChunkState.RELEASED), deleted=True)
    lost = replace(found.announcements[0], type=AnnouncementType.CHUNK_LOST)
    announced = replace(found, announcements=[*found.announcements, lost])
    assert "announced as lost" in " ".join(sentences(announced))
    assert sentences(announced, corrected=frozenset({DOCUMENT})) == []  # the first event named wrong locations


def test_one_fact_is_announced_under_one_id():
    found = evidence(chunk(ChunkState.RELEASED), deleted=True)
    again = replace(found.announcements[0], announcement_id="2")
    assert "under 2 ids" in " ".join(sentences(replace(found, announcements=[*found.announcements, again])))


def test_a_source_that_must_be_kept_is_kept():
    kept = {"ends": {DOCUMENT: End.KEPT}}
    assert sentences(evidence(chunk(ChunkState.ARCHIVED), rows=[]), **kept) == []
    assert sentences(evidence(chunk(ChunkState.RELEASED)), **kept) != []


def test_a_source_that_may_be_deleted_is_deleted():
    assert "wasn't deleted" in " ".join(sentences(evidence(chunk(ChunkState.ARCHIVED))))


def test_a_replaced_file_is_never_released():
    found = evidence(chunk(ChunkState.RELEASED), deleted=True, files=FILES | {f"{STEM}.wav": "other"})
    assert "was released" in " ".join(sentences(found, tampered={DOCUMENT: Tampering.REPLACE}))


def test_media_must_be_archived_even_if_metadata_are_never_available():
    assert "its media could be copied" in " ".join(
        sentences(evidence(chunk(ChunkState.FAILED)), wants_media=frozenset({DOCUMENT}))
    )


def test_an_event_that_cannot_be_read_is_in_quarantine():
    found = evidence(chunk(ChunkState.RELEASED), deleted=True)
    assert "quarantine has 0 of 1" in " ".join(sentences(found, quarantined=1))


def test_a_file_says_which_document_it_is():
    labels = {name: {"documentid": "another"} for name in FILES}
    assert "has the metadata of another document" in " ".join(
        sentences(evidence(chunk(ChunkState.RELEASED), deleted=True, labels=labels))
    )


def test_a_source_without_a_row_is_not_deleted():
    found = evidence(chunk(ChunkState.RELEASED), deleted=True)
    victim = {"victim": replace(found.originals[DOCUMENT])}
    assert "it isn't in the catalogue" in " ".join(sentences(replace(found, originals=found.originals | victim)))
