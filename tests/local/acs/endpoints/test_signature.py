"""Signatures are verified. If these tests fail, a product with wrong signatures would pass here and fail in Azure."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import ClientAuthenticationError

from tests.local.acs.clients import sdk_client, tls_session

HOST = "callvault.communication.azure.com"
PATH = "/calling/recordings/any?api-version=2026-03-12"


def signed(connection_string, *, path=PATH, body=b"", moment=None, host=HOST):
    key = base64.b64decode(connection_string.partition("accesskey=")[2])
    date = (moment or datetime.now(tz=UTC)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    content_hash = base64.b64encode(hashlib.sha256(body).digest()).decode()
    text = f"GET\n{path}\n{date};{host};{content_hash}"
    signature = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
    authorization = f"HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={signature}"
    return {"x-ms-date": date, "x-ms-content-sha256": content_hash, "Authorization": authorization}


async def status_of(simulator, headers, path=PATH, body=None):
    async with (
        tls_session(simulator) as session,
        session.get(f"https://{HOST}{path}", headers=headers, data=body) as response,
    ):
        if response.status == 401:
            assert (await response.json())["error"]["code"] == "Denied"
        return response.status


async def test_a_valid_signature_is_accepted(simulator):
    assert await status_of(simulator, signed(simulator.connection_string)) == 404


async def test_a_wrong_key_is_refused_everywhere(simulator, control):
    made = await control.post("/documents", size=1000)
    wrong = f"endpoint=https://{HOST}/;accesskey={base64.b64encode(b'another key').decode()}"
    async with sdk_client(simulator, wrong) as stranger:
        with pytest.raises(ClientAuthenticationError):
            await stranger.get_recording_properties("any")
        with pytest.raises(ClientAuthenticationError):
            await stranger.download_recording(made["chunks"][0]["contentLocation"])
        with pytest.raises(ClientAuthenticationError):
            await stranger.delete_recording(made["chunks"][0]["deleteLocation"])
    assert (await control.get("/requests"))[0]["refusal"].endswith("the signature is wrong")


@pytest.mark.parametrize("minutes", [-16, 16])
async def test_a_date_that_is_far_off_is_refused(simulator, minutes):
    moment = datetime.now(tz=UTC) + timedelta(minutes=minutes)
    assert await status_of(simulator, signed(simulator.connection_string, moment=moment)) == 401


async def test_a_date_within_fifteen_minutes_is_accepted(simulator):
    moment = datetime.now(tz=UTC) - timedelta(minutes=14)
    assert await status_of(simulator, signed(simulator.connection_string, moment=moment)) == 404


async def test_the_signature_covers_path_query_and_host(simulator):
    good = signed(simulator.connection_string)
    assert await status_of(simulator, good, path=PATH + "&more=1") == 401
    assert await status_of(simulator, good, path=PATH.replace("any", "other")) == 401
    other_host = "other.communication.azure.com"
    for_other = signed(simulator.connection_string, host=other_host)
    assert await status_of(simulator, for_other | {"x-ms-host": other_host}) == 401


async def test_the_content_hash_must_be_that_of_the_body(simulator):
    assert await status_of(simulator, signed(simulator.connection_string), body=b"something") == 401


@pytest.mark.parametrize("authorization", [None, "Bearer eyJhbGciOi", "HMAC-SHA256 Signature=abc"])
async def test_no_or_another_authorization_is_refused(simulator, authorization):
    headers = signed(simulator.connection_string)
    del headers["Authorization"]
    if authorization:
        headers["Authorization"] = authorization
    assert await status_of(simulator, headers) == 401


async def test_the_api_version_is_required(simulator):
    path = "/calling/recordings/any"
    assert await status_of(simulator, signed(simulator.connection_string, path=path), path=path) == 400
