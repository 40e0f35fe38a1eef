"""Names of downloads contain texts of callers and of ACS. A browser must not save elsewhere because of them."""

import re
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.files.download_names import disposition_of, stem_of

BEGAN = datetime(2026, 11, 21, 9, tzinfo=UTC)
KEY = "1a2b3c4d" * 4


def stem(text: str | None, channel: str | None = "mixed") -> str:
    return stem_of(began=BEGAN, text=text, index=1, channel=channel, chunk_key=KEY)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("case-4711", "20261121T090000Z-case-4711-0001-mixed-1a2b3c4d"),
        ("Case 12/2026", "20261121T090000Z-Case-12-2026-0001-mixed-1a2b3c4d"),
        ("Müller & Söhne", "20261121T090000Z-Müller-Söhne-0001-mixed-1a2b3c4d"),
        ("../../etc/passwd", "20261121T090000Z-etc-passwd-0001-mixed-1a2b3c4d"),
        ('"; filename=evil.exe\r\n', "20261121T090000Z-filename-evil.exe-0001-mixed-1a2b3c4d"),
        ("…", "20261121T090000Z-0001-mixed-1a2b3c4d"),
        (None, "20261121T090000Z-0001-mixed-1a2b3c4d"),
    ],
)
def test_a_name_has_time_text_chunk_and_channel(text: str | None, name: str):
    assert stem(text) == name


def test_a_name_with_other_letters_is_sent_in_both_forms():
    assert disposition_of("attachment", "a-1.mp3") == 'attachment; filename="a-1.mp3"'
    assert disposition_of("inline", "Müller.mp3") == "inline; filename=\"Muller.mp3\"; filename*=UTF-8''M%C3%BCller.mp3"
    assert disposition_of("inline", "a-東京-1.mp3").startswith('inline; filename="a-1.mp3"; filename*=')


@given(text=st.text(max_size=300), channel=st.none() | st.text(max_size=300))
def test_no_text_makes_a_name_unsafe(text: str, channel: str | None):
    name = f"{stem(text, channel)}.mp3"
    assert len(name) < 170
    assert re.fullmatch(r"20261121T090000Z-[\w.-]*-?0001-[\w.-]*-?1a2b3c4d\.mp3", name)
    assert ".." not in name
    header = disposition_of("attachment", name)
    found = re.fullmatch(r"attachment; filename=\"([\w.-]+)\"(?:; filename\*=UTF-8''([\w.%~-]+))?", header, re.ASCII)
    assert found is not None
    assert unquote(found[2] or found[1]) == name
