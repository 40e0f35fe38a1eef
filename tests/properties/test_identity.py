"""Two chunks with the same name would overwrite each other. A misread subject would file it under another recording."""

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from shared.contracts.events.recording_event import read_event
from shared.domain.keys import blob_stem, key_of, unlinked_key
from tests.properties.effort import effort
from tests.properties.strategies import encodable_texts

EVENTS = Path(__file__).parent.parent / "events"
CURRENT: dict[str, Any] = json.loads((EVENTS / "current.json").read_text())

# base64 of any bytes: with slashes and plus signs, sometimes only slashes
server_call_ids = st.binary(min_size=1, max_size=80).map(lambda data: base64.b64encode(data).decode()) | st.text(
    "/+aZ0", min_size=1, max_size=30
)
call_ids = st.uuids().map(str)
recording_ids = st.binary(min_size=1, max_size=80).map(lambda data: base64.urlsafe_b64encode(data).decode())
document_ids = encodable_texts | st.from_regex(r"[A-Za-z0-9._-]{1,120}", fullmatch=True)
starts = st.datetimes(
    datetime(1000, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(9999, 12, 30),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=14))]),
)


def read(subject: str) -> tuple[str | None, str | None, str | None]:
    event = read_event(CURRENT | {"subject": subject})
    return event.call_id, event.server_call_id, event.recording_id


@effort(300)
@given(call_ids, server_call_ids, recording_ids, st.sampled_from(["", "/"]), st.sampled_from([str, str.lower]))
@example("c", "/", "r", "", str)
@example("c", "//serverCallId//", "r", "", str)
def test_a_subject_is_parsed_into_its_ids(
    call: str, server: str, recording: str, slash: str, cased: Callable[[str], str]
):
    first, second, third = map(cased, (f"{slash}recording/call/", "/serverCallId/", "/recordingId/"))
    assert read(f"{first}{call}{second}{server}{third}{recording}") == (call, server, recording)
    assert read(f"{first}{call}{third}{recording}") == (call, None, recording)
    assert read(f"{first}{call}") == (call, None, None)
    assume(not server.endswith("/"))
    assert read(f"{first}{call}{second}{server}") == (call, server, None)


@effort(300)
@given(document_ids, document_ids, st.integers(0, 10**6), st.integers(0, 10**6), starts)
@example("a/b", key_of("a/b"), 0, 0, datetime(2026, 11, 21, tzinfo=UTC))
def test_chunks_of_one_recording_have_different_names(
    one: str, other: str, index: int, other_index: int, started_at: datetime
):
    assume(one != other)
    key = key_of("recording")
    assert blob_stem(started_at=started_at, recording_key=key, index=index, document_id=one) != blob_stem(
        started_at=started_at, recording_key=key, index=other_index, document_id=other
    )


@effort(300)
@given(document_ids, st.integers(0, 10**6), starts)
def test_a_name_is_safe_in_storage_in_urls_and_on_disk(document_id: str, index: int, started_at: datetime):
    name = blob_stem(started_at=started_at, recording_key=key_of("recording"), index=index, document_id=document_id)
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/[0-9a-f]{32}/\d{4,7}-[A-Za-z0-9_][A-Za-z0-9._-]*", name)
    assert not name.endswith(".")
    assert len(name) < 200


@effort(200)
@given(encodable_texts)
def test_a_key_is_safe_in_tables_and_differs_for_linked_and_unlinked_recordings(identifier: str):
    assert re.fullmatch(r"[0-9a-f]{32}", key_of(identifier))
    assert key_of(identifier) == key_of(identifier)
    assert key_of(identifier) != unlinked_key(identifier)
