"""Automatic recording on the whole stack: a call is recorded once, however many events and callbacks announce it."""

import asyncio
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.acceptance.conftest import SIGNED, Deployment, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLBACKS = f"https://callvault.example/api/callbacks?{SIGNED}"


async def recordings_of(deployment: Deployment, call: dict[str, Any]) -> list[dict[str, Any]]:
    """The call's recordings that ACS knows, running or ended."""
    found = await deployment.acs("GET", "/recordings")
    return [one for one in found if one["serverCallId"] == call["serverCallId"]]


async def message_of(deployment: Deployment, call: dict[str, Any], where: str, kind: str) -> dict[str, Any]:
    """The event or callback that ACS sent about a call."""
    sent = [one["event"] for one in await deployment.acs("GET", where)]
    (event,) = [
        one
        for one in sent
        if one.get("eventType", one.get("type")) == f"Microsoft.Communication.{kind}"
        and one["data"]["serverCallId"] == call["serverCallId"]
    ]
    found: dict[str, Any] = event
    return found


async def test_two_hundred_concurrent_events_and_callbacks_of_one_call_start_one_recording(deployment: Deployment):
    call = await deployment.acs("POST", "/calls", kind="room", callbackUri=CALLBACKS)
    started = await message_of(deployment, call, "/events", "CallStarted")
    connected = await message_of(deployment, call, "/callbacks", "CallConnected")
    params = dict(parse_qsl(SIGNED))
    headers = {"Authorization": f"Bearer {(await deployment.acs('POST', '/tokens'))['token']}"}

    async def repeat(number: int) -> int:
        if number % 2:
            return await deployment.deliver([started])
        status, _, _ = await deployment.call("POST", "/api/callbacks", params=params, headers=headers, json=[connected])
        return int(status)

    statuses = await asyncio.gather(*(repeat(number) for number in range(200)))
    assert set(statuses) == {200, 202}

    async def recorded() -> list[dict[str, Any]]:
        """Repeats are answered while the first delivery is still being processed."""
        _, page, _ = await deployment.call("GET", "/api/recordings", params={"serverCallId": call["serverCallId"]})
        listed: list[dict[str, Any]] = page["recordings"]
        return listed

    (listed,) = await until(recorded)
    (made,) = await recordings_of(deployment, call)
    assert made["recordingId"] == listed["recordingId"]
    view = await deployment.recording(made["recordingId"])
    (entry,) = view["history"]
    assert (view["state"], view["format"], entry["action"], entry["by"]) == ("active", "mp3", "start", "AUTO_RECORD")
    status, _, _ = await deployment.call("POST", f"/api/recordings/{made['recordingId']}/stop")
    assert status == 200
    assert (await deployment.deliver([started]), len(await recordings_of(deployment, call))) == (202, 1)


async def test_a_call_that_matches_no_rule_is_not_recorded(deployment: Deployment):
    call = await deployment.acs("POST", "/calls", kind="twoParty")
    event = await message_of(deployment, call, "/events", "CallStarted")
    assert await deployment.deliver([event]) == 202
    assert await recordings_of(deployment, call) == []
