"""A stack that requires consent: a start without consent is refused, and automatic recordings stay paused."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from local.stack import Stack, StackOptions
from tests.acceptance.conftest import Deployment, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONSENT = {"basis": "consent", "reference": "ticket 4711", "obtainedAt": "2026-11-21T09:00:00+01:00"}
KEPT = {**CONSENT, "obtainedAt": "2026-11-21T08:00:00Z"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def strict(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    settings = {"REQUIRE_CONSENT": "true", "AUTO_RECORD": '{"calls": ["room"], "on": ["CallStarted"]}'}
    options = StackOptions(directory=tmp_path_factory.mktemp("stack"), settings=settings)
    async with Stack(options) as stack, aiohttp.ClientSession() as http:
        yield Deployment(where=stack.addresses, http=http)


async def recordings_of(deployment: Deployment, call: dict[str, Any]) -> list[dict[str, Any]]:
    _, page, _ = await deployment.call("GET", "/api/recordings", params={"serverCallId": call["serverCallId"]})
    listed: list[dict[str, Any]] = page["recordings"]
    return listed


async def test_a_start_without_consent_is_refused_and_given_consent_is_stored(strict: Deployment):
    call = await strict.acs("POST", "/calls")
    body = {"serverCallId": call["serverCallId"]}
    status, problem, headers = await strict.call("POST", "/api/recordings", json=body)
    assert (status, problem["reason"]) == (403, "consent-required")
    assert headers["Content-Type"].partition(";")[0] == "application/problem+json"
    assert await strict.acs("GET", "/recordings") == []
    status, started, _ = await strict.call("POST", "/api/recordings", json=body | {"consent": CONSENT})
    assert status == 201
    view = await strict.recording(started["recordingId"])
    assert (view["state"], view["consent"]) == ("active", KEPT)


async def test_an_automatic_recording_stays_paused_until_a_resume_with_consent(strict: Deployment):
    call = await strict.acs("POST", "/calls", kind="room")

    async def begun() -> dict[str, Any] | None:
        """The callback may come before the answer to the start, while the recording is still starting."""
        views = [await strict.recording(one["recordingId"]) for one in await recordings_of(strict, call)]
        return next((view for view in views if view["state"] != "starting"), None)

    view = await until(begun)
    recording_id = view["recordingId"]
    assert (view["state"], view["acsState"], view["consent"]) == ("paused", "inactive", None)

    path = f"/api/recordings/{recording_id}"
    status, problem, _ = await strict.call("POST", f"{path}/resume")
    assert (status, problem["reason"]) == (403, "consent-required")
    assert (await strict.recording(recording_id))["acsState"] == "inactive"
    status, view, _ = await strict.call("POST", f"{path}/resume", json={"consent": CONSENT})
    assert (status, view["state"], view["consent"]) == (200, "active", KEPT)
    view = await strict.recording(recording_id)
    assert view["acsState"] == "active"
    done = [(entry["action"], entry["by"]) for entry in view["history"]]
    assert done == [("start", "AUTO_RECORD"), ("consent", "function key"), ("resume", "function key")]

    await strict.acs("POST", f"/recordings/{recording_id}/advance", seconds=20)
    status, _, _ = await strict.call("POST", f"{path}/stop")
    assert status == 200
    await strict.settled(recording_id)
    status, record, _ = await strict.call("GET", f"{path}/archive")
    assert (status, record["consent"]) == (200, KEPT)
