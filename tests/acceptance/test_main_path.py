"""From the call to the archive on the whole stack: each kind of recording, repeats, wrong order and bad input."""

import asyncio
import base64
import hashlib
import json
import random
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from shared.domain.keys import key_of
from tests.acceptance.conftest import Deployment, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVENTS = Path(__file__).parent.parent / "events"


async def start(deployment: Deployment, call: dict[str, Any], **fields: Any) -> tuple[int, Any, Any]:
    return await deployment.call("POST", "/api/recordings", json={"serverCallId": call["serverCallId"]} | fields)


async def act(deployment: Deployment, recording_id: str, action: str) -> dict[str, Any]:
    status, body, _ = await deployment.call("POST", f"/api/recordings/{quote(recording_id, safe='')}/{action}")
    assert status == 200, body
    view: dict[str, Any] = body
    return view


async def verify(deployment: Deployment, view: dict[str, Any], chunks: int) -> None:
    """Checks that the archive has the original bytes and that the sources are deleted."""
    found = await deployment.acs("GET", f"/recordings/{view['recordingId']}")
    originals = {chunk["documentId"]: chunk for chunk in found["chunks"]}
    assert len(originals) == len(view["chunks"]) == chunks
    async with deployment.container(view["archiveContainer"]) as container:
        for chunk in view["chunks"]:
            original = originals[chunk["documentId"]]
            media = await (await container.download_blob(chunk["blobName"])).readall()
            metadata = await (await container.download_blob(chunk["metadataBlobName"])).readall()
            assert hashlib.sha256(media).hexdigest() == original["sha256"] == chunk["sha256"]
            assert hashlib.sha256(metadata).hexdigest() == original["metadataSha256"]
            assert original["deletedAt"] is not None
        folder = view["chunks"][0]["blobName"].rpartition("/")[0]
        stored = [blob.name async for blob in container.list_blobs(name_starts_with=folder)]
        assert len(stored) == 2 * chunks


@pytest.mark.parametrize(
    ("wanted", "extension"),
    [
        ({}, "mp4"),
        ({"content": "audio", "format": "mp3"}, "mp3"),
        ({"content": "audio", "channel": "unmixed", "format": "wav"}, "wav"),
    ],
)
async def test_a_recording_of_each_kind_is_archived(deployment: Deployment, wanted: dict[str, str], extension: str):
    call = await deployment.acs("POST", "/calls", kind="group", participants=2)
    status, started, headers = await start(deployment, call, correlation="file 12/2026", **wanted)
    assert status == 201
    location = urlsplit(headers["Location"])
    assert f"{location.scheme}://{location.netloc}" == deployment.where.functions
    status, view, _ = await deployment.call("GET", f"{location.path}?{location.query}")
    assert (status, view["recordingId"], view["state"]) == (200, started["recordingId"], "active")

    recording_id = started["recordingId"]
    assert (await act(deployment, recording_id, "pause"))["state"] == "paused"
    assert (await act(deployment, recording_id, "resume"))["state"] == "active"
    await deployment.acs("POST", f"/recordings/{recording_id}/advance", seconds=4)
    await deployment.acs("POST", f"/recordings/{recording_id}/cut")
    await deployment.acs("POST", f"/recordings/{recording_id}/advance", seconds=3)
    assert (await act(deployment, recording_id, "stop"))["state"] in {"stopped", "archiving"}
    assert (await act(deployment, recording_id, "stop"))["stoppedAt"]

    view = await deployment.settled(recording_id)
    assert (view["state"], view["correlation"]) == ("archived", "file 12/2026")
    assert {chunk["blobName"].rpartition(".")[2] for chunk in view["chunks"]} == {extension}
    await verify(deployment, view, chunks=2)


async def test_repeated_and_disordered_events_archive_every_chunk_once(deployment: Deployment):
    made = [await deployment.acs("POST", "/documents", size=30_000, format="wav", announce=False) for _ in range(12)]
    deliveries = [one["event"] for one in made for _ in range(4)]
    random.Random(7).shuffle(deliveries)
    assert set(await asyncio.gather(*map(deployment.deliver, deliveries))) == {202}
    for one in made:
        view = await deployment.settled(one["recordingId"])
        await verify(deployment, view, chunks=1)
        (source,) = (await deployment.acs("GET", f"/recordings/{one['recordingId']}"))["chunks"]
        assert source["downloads"] == 1


async def test_repeated_and_disordered_jobs_archive_every_chunk_once(deployment: Deployment):
    made = await deployment.acs("POST", "/documents", size=30_000, format="mp3", count=5)
    view = await deployment.settled(made["recordingId"])
    jobs = [
        json.dumps({"recordingKey": key_of(made["recordingId"]), "chunkKey": key_of(chunk["documentId"])})
        for chunk in made["chunks"] * 3
    ]
    random.Random(8).shuffle(jobs)
    async with deployment.queue() as queue:
        await asyncio.gather(*(queue.send_message(base64.b64encode(job.encode()).decode()) for job in jobs))

        async def empty() -> bool:
            return (await queue.get_queue_properties()).approximate_message_count == 0

        await until(empty)
    assert await deployment.recording(made["recordingId"]) == view
    await verify(deployment, view, chunks=5)


async def test_a_chunk_is_archived_after_temporary_failures(deployment: Deployment):
    made = await deployment.acs("POST", "/documents", size=300_000, format="wav", announce=False)
    document_id = made["chunks"][0]["documentId"]
    for kind in ("throttle", "html", "short", "reset", "unauthorized"):
        await deployment.acs("POST", "/faults", operation="download", kind=kind, documentId=document_id)
    await deployment.acs("POST", "/faults", operation="delete", kind="serverError", documentId=document_id)
    assert await deployment.deliver(made["event"]) == 202
    view = await deployment.settled(made["recordingId"])
    assert view["chunks"][0]["attempts"] > 5
    await verify(deployment, view, chunks=1)


@pytest.mark.parametrize("name", ["broken-no-chunks", "broken-no-document"])
async def test_an_event_that_can_t_be_parsed_is_quarantined_and_answered_with_success(
    deployment: Deployment, name: str
):
    event = json.loads((EVENTS / f"{name}.json").read_text())
    assert await deployment.deliver([event]) == 202
    async with deployment.container("quarantine") as container:
        kept = [
            json.loads(await (await container.download_blob(blob.name)).readall())
            async for blob in container.list_blobs()
            if "/" not in blob.name
        ]
    (mine,) = [one for one in kept if one["event"]["data"] == event["data"]]
    assert "recordingChunks" in mine["reason"] or "documentId" in mine["reason"]


async def test_an_event_of_another_type_is_answered_with_success(deployment: Deployment):
    event = json.loads((EVENTS / "other-type.json").read_text())
    assert await deployment.deliver([event]) == 202


async def test_every_message_that_is_not_a_job_is_stored_in_the_quarantine(deployment: Deployment):
    bodies = {
        '{"chunkKey": "../../x"}',
        "hello",  # not base64
        base64.b64encode(b"\xff\xfe").decode(),  # base64, of no text
        '{"DequeueCount": "many", "Id": [], "InsertionTime": "soon"}',  # keys of the host's own messages
    }
    async with deployment.queue() as queue, deployment.container("quarantine") as container:
        await asyncio.gather(*map(queue.send_message, bodies))

        async def kept() -> set[str]:
            names = [blob.name async for blob in container.list_blobs(name_starts_with="jobs/")]
            found = [json.loads(await (await container.download_blob(name)).readall()) for name in names]
            return {base64.b64decode(one["bodyBase64"]).decode() for one in found}

        async def all_kept() -> bool:
            return bodies <= await kept()

        await until(all_kept)


async def test_a_job_in_plain_json_is_processed(deployment: Deployment):
    made = await deployment.acs("POST", "/documents", size=30_000, format="mp3", announce=False)
    event = made["event"]
    assert await deployment.deliver([event]) == 202
    await deployment.settled(made["recordingId"])
    job = {"recordingKey": key_of(made["recordingId"]), "chunkKey": key_of(made["chunks"][0]["documentId"])}
    async with deployment.queue() as queue:
        await queue.send_message(json.dumps(job))

        async def empty() -> bool:
            return (await queue.get_queue_properties()).approximate_message_count == 0

        await until(empty)
    async with deployment.container("quarantine") as container:
        assert not [
            blob.name async for blob in container.list_blobs(name_starts_with=f"jobs/{key_of(json.dumps(job))}")
        ]


async def test_a_failed_chunk_and_a_dead_lettered_event_are_replayed_over_http(deployment: Deployment):
    made = await deployment.acs("POST", "/documents", size=30_000, format="wav", announce=False)
    document_id = made["chunks"][0]["documentId"]
    await deployment.acs("POST", "/faults", operation="download", kind="redirect", documentId=document_id)
    dead_letter = [made["event"] | {"deadLetterReason": "MaxDeliveryAttemptsExceeded"}]
    status, found, _ = await deployment.call("POST", "/api/events", json=dead_letter, headers=deployment.operator)
    assert (status, found["outcomes"], found["events"][0]["id"]) == (202, ["queued"], made["event"]["id"])
    status, found, _ = await deployment.call("GET", "/api/quarantine?limit=1")
    assert (status, found["complete"]) == (200, True)
    await deployment.settled(made["recordingId"], frozenset({"failed"}))
    path = f"/api/recordings/{quote(made['recordingId'], safe='')}/chunks/{quote(document_id, safe='')}/replay"
    status, found, _ = await deployment.call("POST", path, headers=deployment.operator)
    assert (status, found["chunks"]) == (202, 1)
    await verify(deployment, await deployment.settled(made["recordingId"]), chunks=1)
    recording = f"/api/recordings/{quote(made['recordingId'], safe='')}"
    _, shown, _ = await deployment.call("GET", recording, headers=deployment.operator)
    done = [(entry["action"], entry["by"]) for entry in shown["history"]]
    assert done == [("event submitted", "master key"), ("replay", "master key")]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"),
        (b"", "body"),
        (b'{"serverCallId": "411f6d00-0782-4bc2-8a27-9c33e3e0c9c1"}', "serverCallId"),
        (b'{"roomId": "1", "format": "mp4", "channel": "unmixed"}', "format"),
    ],
)
async def test_a_bad_request_is_a_problem_that_names_the_field(deployment: Deployment, body: bytes, field: str):
    status, problem, headers = await deployment.call("POST", "/api/recordings", data=body)
    assert (status, headers["Content-Type"].partition(";")[0]) == (400, "application/problem+json")
    assert problem["errors"][0]["field"] == field
    assert problem["fault"] == "caller"


async def test_the_host_passes_the_idempotency_key_to_the_app(deployment: Deployment):
    call = await deployment.acs("POST", "/calls", kind="group", participants=2)
    headers = {"x-functions-key": deployment.where.functions_key, "Idempotency-Key": call["callId"]}
    body = {"serverCallId": call["serverCallId"]}
    first = await deployment.call("POST", "/api/recordings", json=body, headers=headers)
    again = await deployment.call("POST", "/api/recordings", json=body, headers=headers)
    assert (first[0], first[1], first[2]["Location"]) == (again[0], again[1], again[2]["Location"])
    assert first[0] == 201


async def test_the_logs_contain_no_secret_no_participant_and_no_url_query(deployment: Deployment):
    """Checks the log of all tests that ran before, and of one more recording."""
    call = await deployment.acs("POST", "/calls", kind="group", participants=[{"name": "Alice"}, {"name": "Bob"}])
    ids = [one["participantId"] for one in call["participants"]]
    affinity = [{"participantId": one, "channel": number} for number, one in enumerate(ids)]
    _, started, _ = await start(deployment, call, channel="unmixed", channelAffinity=affinity)
    await act(deployment, started["recordingId"], "stop")
    await deployment.settled(started["recordingId"])
    await start(deployment, call, channel="mixed", channelAffinity=affinity)
    logged = "".join(path.read_text() for path in deployment.where.logs.glob("*host*"))
    assert "callvault.archiving" in logged, "the file must be the host's log"
    secrets = [
        deployment.where.functions_key,
        deployment.where.master_key,
        deployment.where.acs_connection_string.partition("accesskey=")[2],
        deployment.where.topic_key,
        deployment.where.event_grid_url.partition("code=")[2],
        deployment.where.storage_connection_string.partition("AccountKey=")[2].partition(";")[0],
        "sig=",
        "code=",
        "Signature=",
        *ids,
    ]
    assert [secret for secret in secrets if secret in logged] == []
