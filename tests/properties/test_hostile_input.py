"""Bad input against the whole stack: it never causes a 500, crashes a worker or changes stored data."""

import asyncio
import base64
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.events.recording_event import UnreadableEvent, read_event
from shared.contracts.jobs import ChunkJob
from shared.domain.keys import key_of
from shared.errors import InvalidJob
from tests.acceptance.conftest import Deployment, until
from tests.properties.effort import effort
from tests.properties.siege import holdings, send
from tests.properties.strategies import json_objects, json_values, mutated

pytestmark = pytest.mark.asyncio(loop_scope="session")

LARGEST = 48_000  # bytes: a queue message may have 64 KiB, in base64
EVENTS = Path(__file__).parent.parent / "events"
CURRENT: dict[str, Any] = json.loads((EVENTS / "current.json").read_text())
JOB = {"recordingKey": key_of("nobody's"), "chunkKey": key_of("nothing")}


def is_problem(reply: Any) -> bool:
    return reply.media_type == "application/problem+json" and bool(json.loads(reply.body)["reason"])


@effort(60)
@given(json_objects | mutated(CURRENT["data"], changes=3))
async def test_an_unreadable_event_is_quarantined_exactly_once(besieged: Deployment, data: dict[str, Any]):
    event = CURRENT | {"data": data | {"mark": uuid.uuid4().hex}}  # different from all other examples
    try:
        kept = 1 if read_event(event).unread else 0
    except UnreadableEvent:
        kept = 1
    before = await holdings(besieged)
    statuses = {await besieged.deliver([event]) for _ in range(2)}
    assert statuses == {202}
    new = (await holdings(besieged)).blobs - before.blobs
    assert sum(name == "quarantine" and not blob.startswith("jobs/") for name, blob in new) == kept


@effort(60)
@given(st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
async def test_events_that_a_person_submits_are_accepted_or_refused_with_a_reason(besieged: Deployment, body: bytes):
    reply = await send(besieged, "POST", b"/api/events", {}, body)
    assert reply.status == 202 or (400 <= reply.status < 500 and is_problem(reply)), reply


@effort(3)  # hypothesis begins with the simplest example: empty messages
@given(
    st.lists(
        (
            st.binary(max_size=60)
            | json_values.map(lambda value: json.dumps(value).encode())
            | mutated(JOB).map(lambda value: json.dumps(value).encode())
        ).filter(lambda message: len(message) < LARGEST),
        min_size=20,
        max_size=25,
    )
)
async def test_messages_that_aren_t_jobs_are_quarantined_and_the_catalogue_stays_unchanged(
    besieged: Deployment, messages: list[bytes]
):
    rows = (await holdings(besieged)).rows
    texts = [base64.b64encode(one).decode() for one in [*messages, json.dumps(JOB).encode()]]
    buried = {f"jobs/{key_of(base64.b64encode(one).decode())}.json" for one in messages if not is_job(one)}
    async with besieged.queue() as queue:
        await asyncio.gather(*map(queue.send_message, texts))

    async def kept() -> bool:
        return {("quarantine", name) for name in buried} <= (await holdings(besieged)).blobs

    await until(kept)
    assert (await holdings(besieged)).rows == rows


def is_job(message: bytes) -> bool:
    try:
        ChunkJob.decode(message)
    except InvalidJob:
        return False
    return True
