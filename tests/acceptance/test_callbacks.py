"""Callbacks on the whole stack, from ACS to the function app. They are authorized by ACS's token, not by a key."""

import time
from typing import Any
from urllib.parse import parse_qsl

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from local.acs.delivery.tokens import ISSUER
from local.acs.identifiers import RESOURCE_ID
from tests.acceptance.conftest import SIGNED, Deployment, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def call_back(deployment: Deployment, token: str | None, *events: Any, query: str = SIGNED) -> tuple[int, Any]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    status, body, _ = await deployment.call(
        "POST", "/api/callbacks", params=dict(parse_qsl(query)), headers=headers, json=list(events)
    )
    return status, body


async def signed(deployment: Deployment, **claims: Any) -> str:
    return str((await deployment.acs("POST", "/tokens", **claims))["token"])


def forged(key: Any, algorithm: str, key_id: str) -> str:
    claims = {"iss": ISSUER, "aud": RESOURCE_ID, "iat": time.time(), "exp": time.time() + 300}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": key_id})


async def test_forged_expired_and_foreign_tokens_are_refused_and_change_nothing(deployment: Deployment):
    call = await deployment.acs("POST", "/calls")
    _, started, _ = await deployment.call("POST", "/api/recordings", json={"serverCallId": call["serverCallId"]})
    failed = {
        "id": "1",
        "type": "Microsoft.Communication.StartRecordingFailed",
        "time": "2099-01-01T00:00:00Z",
        "data": {"recordingId": "c3RvcHBlZA"},
    }
    good = await signed(deployment)
    key_id = jwt.get_unverified_header(good)["kid"]
    mine = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    bad = {
        "no token": None,
        "another's key under ACS's name for it": forged(mine, "RS256", key_id),
        "a key that ACS never had": forged(mine, "RS256", "mine"),
        "a shared secret": forged("x" * 32, "HS256", key_id),
        "none": forged(None, "none", key_id),
        "run out": await signed(deployment, lifetime=-120),
        "for another resource": await signed(deployment, audience="00000000-0000-0000-0000-000000000000"),
        "of another issuer": await signed(deployment, issuer="https://evil.communication.azure.com"),
    }
    for what, token in bad.items():
        status, problem = await call_back(deployment, token, failed)
        assert (status, problem["reason"]) == (401, "callback-unauthorized"), what
    for query in ("", "sig=AAAA", f"start={'0' * 32}&{SIGNED}"):
        status, problem = await call_back(deployment, good, failed, query=query)
        assert (status, problem["reason"]) == (401, "callback-unauthorized"), query
    status, _, _ = await deployment.call("GET", "/api/recordings/c3RvcHBlZA")
    assert status == 404
    assert await call_back(deployment, good, failed, {"type": "Microsoft.Communication.PlayCompleted"}) == (
        200,
        {"outcomes": ["accepted", "ignored"]},
    )
    status, view, _ = await deployment.call("GET", "/api/recordings/c3RvcHBlZA")
    assert (status, view["state"]) == (200, "failed")
    assert (await deployment.recording(started["recordingId"]))["state"] == "active"


async def test_a_callback_names_the_recording_of_a_start_that_acs_only_accepted(deployment: Deployment):
    call = await deployment.acs("POST", "/calls")
    await deployment.acs("POST", "/faults", operation="start", kind="accepted", unnamed=True, callId=call["callId"])
    headers = {"x-functions-key": deployment.where.functions_key, "Idempotency-Key": call["callId"]}
    body = {"serverCallId": call["serverCallId"], "format": "mp3", "correlation": "case 4711"}

    async def named() -> Any:
        status, found, _ = await deployment.call("POST", "/api/recordings", json=body, headers=headers)
        assert status in (201, 202)
        return found["recordingId"]

    view = await deployment.recording(await until(named))
    assert (view["correlation"], view["format"]) == ("case 4711", "mp3")


async def test_a_recording_that_ends_with_its_call_is_shown_as_stopped(deployment: Deployment):
    call = await deployment.acs("POST", "/calls")
    body = {"serverCallId": call["serverCallId"], "format": "mp3"}
    _, started, _ = await deployment.call("POST", "/api/recordings", json=body)
    await deployment.acs("POST", f"/calls/{call['callId']}/end")

    async def ended() -> bool:
        history = (await deployment.recording(started["recordingId"]))["history"]
        return [(entry["action"], entry["by"]) for entry in history] == [("start", "function key"), ("ended", "ACS")]

    await until(ended)
    signatures = {
        dict(parse_qsl(one["url"].partition("?")[2]))["sig"] for one in await deployment.acs("GET", "/callbacks")
    }
    log = (deployment.where.logs / "host.log").read_text()
    assert signatures
    assert not [one for one in signatures if one in log], "a URL's query is a secret"
    assert (await deployment.settled(started["recordingId"]))["state"] == "archived"
