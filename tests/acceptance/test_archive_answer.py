"""A caller that only follows HTTP's asynchronous pattern (202, Location, Retry-After) gets the archive record."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from tests.acceptance.conftest import PATIENCE, Deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def follow(deployment: Deployment, status: int, body: Any, headers: Any) -> tuple[int, Any, set[str]]:
    """Polls Location while the answer is 202, as a Logic App's HTTP action does. Also returns what was awaited."""
    awaited: set[str] = set()
    key = {"x-functions-key": deployment.where.functions_key}
    async with asyncio.timeout(PATIENCE):
        while status == 202:
            assert int(headers["Retry-After"]) > 0
            await asyncio.sleep(0.1)  # a Logic App would wait as long as Retry-After says
            async with deployment.http.get(headers["Location"], headers=key) as response:
                status, body, headers = response.status, await response.json(content_type=None), response.headers
            awaited.add(body.get("waitingFor", ""))
    return status, body, awaited


async def test_a_caller_that_stops_and_waits_gets_every_file_with_its_digest(deployment: Deployment):
    call = await deployment.acs("POST", "/calls", kind="group", participants=2)
    body = {"serverCallId": call["serverCallId"], "content": "audio", "format": "mp3"}
    _, started, _ = await deployment.call("POST", "/api/recordings", json=body)
    await deployment.acs("POST", f"/recordings/{started['recordingId']}/advance", seconds=3)
    path = f"/api/recordings/{quote(started['recordingId'], safe='')}/stop"
    headers = {"x-functions-key": deployment.where.functions_key, "Prefer": "respond-async"}
    answer = await deployment.call("POST", path, headers=headers)
    assert answer[0] == 202
    assert answer[2]["Preference-Applied"] == "respond-async"
    status, record, awaited = await follow(deployment, *answer)
    assert status == 200, record
    assert awaited <= {"files", "chunks", ""}
    (chunk,) = record["chunks"]
    (original,) = (await deployment.acs("GET", f"/recordings/{started['recordingId']}"))["chunks"]
    assert (chunk["sha256"], chunk["metadataSha256"]) == (original["sha256"], original["metadataSha256"])
    assert {one["participantId"] for one in chunk["participants"]} == {
        one["participantId"] for one in call["participants"]
    }


async def test_a_wait_for_a_failed_chunk_ends_with_a_problem(deployment: Deployment):
    made = await deployment.acs("POST", "/documents", size=30_000, format="wav", announce=False)
    document_id = made["chunks"][0]["documentId"]
    await deployment.acs("POST", "/faults", operation="download", kind="redirect", documentId=document_id)
    assert await deployment.deliver(made["event"]) == 202
    await deployment.settled(made["recordingId"], frozenset({"failed"}))
    path = f"/api/recordings/{quote(made['recordingId'], safe='')}/archive"
    status, problem, _ = await deployment.call("GET", path)
    assert (status, problem["reason"]) == (409, "chunk-failed")
