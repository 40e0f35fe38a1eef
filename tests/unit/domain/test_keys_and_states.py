"""Two chunks with the same name would overwrite each other. States decide whether a source may be deleted."""

from datetime import UTC, datetime
from itertools import product

import pytest

from shared.archiving.copy.media_format import sniff
from shared.domain.keys import blob_stem, key_of, unlinked_key
from shared.domain.states import MISSING, MOVES, ONCE_SAFE, ChunkState, ForbiddenMove, check_move
from shared.errors import SourceUnproven

STARTED = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
HOSTILE = [
    key_of("a/b"),
    "../../etc/passwd",
    "a/b",
    "a\\b",
    "x" * 2000,
    "",
    "a b",
    "ä",
    "a#b?c",
    ".hidden",
    "ends.",
    "a\x00b",
]


def stem(document_id: str, index: int = 0) -> str:
    return blob_stem(started_at=STARTED, recording_key="k" * 32, index=index, document_id=document_id)


def test_a_blob_name_contains_day_recording_index_and_document():
    assert stem("0-wus-d4-ab12", 7) == f"2026/11/21/{'k' * 32}/0007-0-wus-d4-ab12"


@pytest.mark.parametrize("document_id", HOSTILE)
def test_a_hostile_document_id_can_t_leave_its_folder_or_exceed_the_length_limit(document_id: str):
    name = stem(document_id)
    assert name.startswith(f"2026/11/21/{'k' * 32}/0000-")
    assert name.count("/") == 4
    assert len(name) < 200


def test_different_document_ids_have_different_names():
    assert len({stem(document_id) for document_id in HOSTILE}) == len(HOSTILE)


def test_the_same_id_always_has_the_same_key():
    assert key_of("recording") == key_of("recording") != key_of("Recording")
    assert unlinked_key("document") != key_of("document")


def test_a_chunk_changes_its_state_only_as_the_diagram_allows():
    for current, following in product(ChunkState, ChunkState):
        if following in MOVES[current]:
            check_move(current, following)
        else:
            with pytest.raises(ForbiddenMove):
                check_move(current, following)


def test_only_an_archived_chunk_can_be_released():
    before = {state for state, following in MOVES.items() if ChunkState.RELEASED in following}
    assert before == {ChunkState.ARCHIVED, *MISSING}
    entrances = {(state, to) for state, following in MOVES.items() for to in following & ONCE_SAFE}
    assert {to for state, to in entrances if state not in ONCE_SAFE} == {ChunkState.ARCHIVED}


def test_an_expired_chunk_is_never_copied_again():
    """A removed chunk may be copied again, because its source may still exist."""
    assert MOVES[ChunkState.EXPIRED] <= ONCE_SAFE
    assert MOVES[ChunkState.REMOVED] - ONCE_SAFE == {ChunkState.PENDING}


@pytest.mark.parametrize(
    ("head", "media_format"),
    [
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "wav"),
        (b"RF64\xff\xff\xff\xffWAVEds64", "wav"),
        (b"\x00\x00\x00\x20ftypisom", "mp4"),
        (b"ID3\x04\x00\x00\x00\x00", "mp3"),
        (b"\xff\xfb\x90\x64", "mp3"),
        (b"\xff\xf3\x40\xc4", "mp3"),
    ],
)
def test_a_format_is_recognized_by_the_first_bytes_of_the_file(head: bytes, media_format: str):
    assert sniff(head) == media_format


@pytest.mark.parametrize(
    "head", [b"", b"<!DOCTYPE html>", b'{"error": 1}', b"RIFF\x24\x00\x00\x00AVI ", b"\xff", b"%PDF"]
)
def test_an_error_page_is_not_recognized_as_a_recording(head: bytes):
    with pytest.raises(SourceUnproven):
        sniff(head)
