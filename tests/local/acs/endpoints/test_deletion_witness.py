"""A witness is called before a document is deleted, and the deletion waits for its answer."""

import asyncio
from typing import Any

import pytest
from aiohttp import web
from azure.core.exceptions import HttpResponseError


async def watched(control: Any, answer: web.Response | None) -> tuple[web.AppRunner, list[str]]:
    """A witness that checks whether the document can still be downloaded. Without an answer it refuses."""
    asked: list[str] = []

    async def check(request: web.Request) -> web.Response:
        document = await request.json()
        asked.append(document["documentId"])
        assert document["deletedAt"] is None
        return answer or web.Response(status=500)

    application = web.Application()
    application.router.add_post("/", check)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await control.post("/witness", address=f"http://127.0.0.1:{runner.addresses[0][1]}/")
    return runner, asked


async def test_a_delete_waits_for_its_witness(control, client):
    runner, asked = await watched(control, web.Response(status=204))
    made = await control.post("/documents", size=2_000)
    chunk = made["chunks"][0]
    await client.delete_recording(chunk["deleteLocation"])
    assert asked == [chunk["documentId"]]
    assert (await control.get(f"/recordings/{made['recordingId']}"))["chunks"][0]["deletedAt"] is not None
    await runner.cleanup()


async def test_nothing_is_deleted_if_the_witness_does_not_answer(control, client):
    runner, asked = await watched(control, None)
    made = await control.post("/documents", size=2_000)
    with pytest.raises(HttpResponseError):
        async with asyncio.timeout(30):
            await client.delete_recording(made["chunks"][0]["deleteLocation"])
    assert asked
    assert (await control.get(f"/recordings/{made['recordingId']}"))["chunks"][0]["deletedAt"] is None
    await runner.cleanup()


async def test_another_version_of_a_file_has_its_length_and_another_etag(control, client):
    made = await control.post("/documents", size=300_000)
    location = made["chunks"][0]["contentLocation"]
    right = await client.download_recording(location)
    await control.post("/faults", operation="download", kind="otherVersion")
    other = await client.download_recording(location)
    assert right.headers["ETag"] != other.headers["ETag"]
    assert right.headers["Content-Length"] == other.headers["Content-Length"]
    await right.close()
    await other.close()
