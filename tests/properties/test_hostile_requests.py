"""Bad requests against the whole stack: each is refused with a reason, and none crashes a worker or changes data."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.acceptance.conftest import Deployment
from tests.properties.effort import effort
from tests.properties.siege import Holdings, holdings, send
from tests.properties.strategies import encodable_texts, json_values, mutated

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOORS = [
    ("GET", "recordings/{}"),
    ("POST", "recordings/{}/stop"),
    ("GET", "recordings/{}/archive"),
    ("POST", "recordings/{}/pause"),
    ("POST", "recordings/{}/resume"),
    ("POST", "recordings/{}/replay"),
    ("POST", "recordings/{}/chunks/{}/replay"),
    ("POST", "quarantine/{}/replay"),
]

_LONGEST = 1000  # bytes: longer request lines and headers never reach the app


raw_ids = (st.binary(min_size=1, max_size=40) | encodable_texts.map(str.encode)).filter(
    lambda one: (
        0 < len(one) <= _LONGEST and one != b"."
    )  # the host removes this from a path, so the request would be for the list
)
# A header's value may contain bytes of any encoding, but no control characters (RFC 9110, 5.5).
header_values = (st.binary(max_size=300) | encodable_texts.map(str.encode)).map(
    lambda value: bytes(byte for byte in value[:_LONGEST] if byte >= 0x20 and byte != 0x7F)
)
bodies = st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode())
starts = mutated({"serverCallId": "aHR0cA==", "channel": "unmixed", "participantOrdering": ["8:acs:a", "4:+49"]})


def path_of(door: str, *ids: bytes) -> bytes:
    """A path with percent-encoded ids."""
    return b"/api/" + door.format(*(quote_from_bytes(one, safe="") for one in ids)).encode()


def is_problem(reply: Any) -> bool:
    return reply.media_type == "application/problem+json" and bool(json.loads(reply.body)["reason"])


@effort(60)
@given(st.sampled_from(DOORS), raw_ids, raw_ids, bodies)
@example(("POST", "recordings/{}/stop"), b"..", b"x", b"")
@example(("GET", "recordings/{}"), b"$", b"x", b"")
@example(("GET", "recordings/{}"), b"\n", b"x", b"")
@example(("GET", "recordings/{}"), b"x" * 5000, b"x", b"")
@example(("POST", "quarantine/{}/replay"), "\u0663".encode() * 600, b"x", b"")
async def test_an_unknown_id_is_refused_with_a_reason(
    besieged: Deployment, door: tuple[str, str], first: bytes, second: bytes, body: bytes
):
    method, route = door
    before = await holdings(besieged)
    reply = await send(besieged, method, path_of(route, first, second), {}, body)
    assert 400 <= reply.status < 500, reply
    assert is_problem(reply) or (reply.status in (400, 404) and not reply.body), reply
    assert await holdings(besieged) == before


def _without_starts(found: Holdings) -> Holdings:
    kept = (row for row in found.rows if row[0] != "requests" and not row[1].startswith("start-"))
    return replace(found, rows=frozenset(kept))


@effort(60)
@given(bodies | starts.map(lambda value: json.dumps(value).encode()), st.none() | header_values)
@example(b'{"serverCallId": "aHR0cA=="}', b"\xff\xfe")
@example(b'{"serverCallId": "aHR0cA=="}', "\u20ac".encode())
@example(b"[" * 60_000, None)
async def test_an_invalid_start_is_refused_with_a_reason(besieged: Deployment, body: bytes, key: bytes | None):
    """A mutated start may be valid for Callvault. ACS refuses it then, and its request is kept until it expires."""
    before = _without_starts(await holdings(besieged))
    headers = {} if key is None else {"Idempotency-Key": key}
    reply = await send(besieged, "POST", b"/api/recordings", headers, body)
    assert 400 <= reply.status < 500, reply
    assert is_problem(reply), reply
    assert _without_starts(await holdings(besieged)) == before
