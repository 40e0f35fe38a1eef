"""Redirects and faults of ACS: no credential goes elsewhere, and the chunk is archived later."""

import hashlib
from typing import Any

import pytest

from shared.domain.states import ChunkState
from tests.integration.archiving.checks import KIB, check_released
from tests.integration.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_redirect_to_another_acs_host_is_followed_and_signed_again(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav", redirects=True)
    await world.app.archiving.handle(job)
    await check_released(world, made)
    document_id = made["chunks"][0]["documentId"]
    requests = await world.acs("GET", f"/requests?documentId={document_id}")
    hosts = {request["host"] for request in requests if request["method"] == "GET"}
    assert len(hosts) > 1, "the simulator must have redirected"
    assert all(request["hadAuthorization"] for request in requests)


@pytest.mark.parametrize("operation", ["download", "metadata"])
async def test_a_redirect_off_the_allow_list_is_not_followed(world: World, operation: str):
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.fault(operation, "redirect", host="media.example.net", documentId=made["chunks"][0]["documentId"])
    before = await world.acs("GET", "/requests?host=media.example.net")
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    assert (chunk.state, chunk.reason) == (ChunkState.FAILED, "source-not-allowed")
    assert await world.acs("GET", "/requests?host=media.example.net") == before
    assert (await world.source(made))["deletedAt"] is None


@pytest.mark.parametrize(
    "host", ["media.example.net", "storage.asm.skype.com.example.net", "storage.asm.skype.com@media.example.net"]
)
async def test_a_forged_event_can_t_make_us_send_credentials_elsewhere(world: World, host: str):
    made = await world.document(size=20 * KIB, format="wav")
    announced = made["event"]["data"]["recordingStorageInfo"]["recordingChunks"][0]
    for name in ("contentLocation", "metadataLocation", "deleteLocation"):
        announced[name] = announced[name].replace("storage.asm.skype.com", host).replace("us-", "")
    before = await world.acs("GET", "/requests")
    await world.app.intake.receive(made["event"])
    await world.app.archiving.handle(world.job(made))
    assert (await world.chunk(world.job(made))).reason == "source-not-allowed"
    assert await world.acs("GET", "/requests") == before


async def test_a_redirect_loop_is_stopped(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.fault("download", "redirect", loop=True, times=0, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).reason == "acs-garbled"


@pytest.mark.parametrize(
    ("operation", "kind", "more", "reason"),
    [
        ("download", "throttle", {"retryAfter": 1}, "acs-throttled"),
        ("download", "serverError", {"status": 503}, "acs-unavailable"),
        ("download", "html", {}, "acs-garbled"),
        ("download", "htmlBody", {}, "source-unproven"),
        ("download", "unauthorized", {}, "acs-credential-refused"),
        ("download", "short", {}, "source-incomplete"),
        ("download", "reset", {"bytes": 1000}, "source-incomplete"),
        ("download", "empty", {}, "source-incomplete"),
        ("metadata", "serverError", {"status": 500}, "acs-unavailable"),
        ("metadata", "short", {}, "source-incomplete"),
        ("metadata", "htmlBody", {}, "source-unproven"),
        ("metadata", "swapMetadata", {}, "source-unproven"),
    ],
)
async def test_a_temporary_fault_is_retried_until_the_chunk_is_archived(
    world: World, operation: str, kind: str, more: dict[str, Any], reason: str
):
    await world.document(size=20 * KIB, format="wav")  # another document, whose metadata a faulty service may serve
    made, job = await world.announced(size=40 * KIB, format="wav")
    assert await world.take_job() == job
    await world.fault(operation, kind, documentId=made["chunks"][0]["documentId"], **more)
    await world.app.archiving.handle(job)
    waiting = await world.chunk(job)
    assert (waiting.state, waiting.reason, waiting.fault) == (ChunkState.PENDING, reason, "source")
    assert waiting.next_attempt_at is not None
    assert (await world.source(made))["deletedAt"] is None
    await world.app.archiving.handle(await world.take_job())
    await check_released(world, made)
    assert (await world.chunk(job)).reason is None


async def test_the_media_are_archived_although_the_metadata_fail(world: World):
    made, job = await world.announced(size=40 * KIB, format="wav")
    await world.fault("metadata", "serverError", status=500, times=2, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    stored = [hashlib.sha256(body).hexdigest() for body in (await world.blobs()).values()]
    assert stored == [made["chunks"][0]["sha256"]]
    assert (await world.source(made))["deletedAt"] is None
    await world.drained()
    await check_released(world, made)
    assert (await world.source(made))["downloads"] == 1, "an archived file is not copied again"


async def test_a_failed_delete_is_retried(world: World):
    made, _ = await world.announced(size=20 * KIB, format="wav")
    await world.fault("delete", "throttle", times=2, documentId=made["chunks"][0]["documentId"])
    await world.drained()
    await check_released(world, made)
