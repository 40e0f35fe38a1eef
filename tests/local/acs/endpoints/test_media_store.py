"""The media store: ranges, redirects, deletion and expiry. If these tests fail, other tests use a wrong ACS."""

import hashlib
import json

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError

from tests.local.acs.clients import downloaded


async def document(control, **order):
    """A requested chunk and its original bytes."""
    made = await control.post("/documents", **({"size": 5_000_000} | order))
    chunk = made["chunks"][0]
    return chunk, await control.get(f"/documents/{chunk['documentId']}/content")


async def test_the_whole_file_matches_the_control_api(control, client):
    chunk, original = await document(control)
    response = await client.download_recording(chunk["contentLocation"])
    data = b"".join([piece async for piece in response.iter_raw()])
    assert response.status_code == 200
    assert response.headers["Content-Length"] == str(chunk["size"]) == "5000000"
    assert response.headers["Content-Type"] == "audio/wav"
    assert data == original
    assert hashlib.sha256(data).hexdigest() == chunk["sha256"]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-999", 0, 999),
        ("bytes=1048570-1048580", 1048570, 1048580),
        ("bytes=4999999-", 4999999, 4999999),
        ("bytes=4000000-9999999", 4000000, 4999999),
        ("bytes=-10", 4999990, 4999999),
    ],
)
async def test_a_range_has_exactly_its_bytes(control, client, asked, first, last):
    chunk, original = await document(control)
    response = await client.download_recording(chunk["contentLocation"], headers={"Range": asked})
    data = b"".join([piece async for piece in response.iter_raw()])
    assert response.status_code == 206
    assert response.headers["Content-Range"] == f"bytes {first}-{last}/5000000"
    assert response.headers["Content-Length"] == str(last - first + 1)
    assert data == original[first : last + 1]


async def test_joined_ranges_are_the_file(control, client):
    chunk, original = await document(control)
    parts = [
        await downloaded(client, chunk["contentLocation"], headers={"Range": f"bytes={at}-{at + 999_998}"})
        for at in range(0, chunk["size"], 999_999)
    ]
    assert b"".join(parts) == original


@pytest.mark.parametrize("seed", range(8))
async def test_some_range_requests_get_the_whole_file(control, client, seed):
    chunk, original = await document(control, seed=seed, oddities=True)
    answers = []
    for _ in range(4):
        response = await client.download_recording(chunk["contentLocation"], headers={"Range": "bytes=1000-1999"})
        answers.append((response.status_code, b"".join([piece async for piece in response.iter_raw()])))
    expected = [(206, original[1000:2000])] * 4
    if seed < 2:
        expected[seed] = (200, original)
    assert answers == expected


async def test_a_range_beyond_the_end_is_416(control, client):
    chunk, _ = await document(control)
    with pytest.raises(HttpResponseError) as failure:
        await client.download_recording(chunk["contentLocation"], headers={"Range": "bytes=5000000-"})
    assert failure.value.status_code == 416
    assert failure.value.response.headers["Content-Range"] == "bytes */5000000"


async def test_an_etag_restricts_a_reader_to_one_version(control, client):
    chunk, _ = await document(control)
    response = await client.download_recording(chunk["contentLocation"], headers={"Range": "bytes=0-9"})
    etag = response.headers["ETag"]
    await response.read()
    again = await client.download_recording(chunk["contentLocation"], headers={"If-Match": etag})
    assert len(await again.read()) == chunk["size"]
    with pytest.raises(HttpResponseError) as failure:
        await client.download_recording(chunk["contentLocation"], headers={"If-Match": '"other"'})
    assert failure.value.status_code == 412


async def test_metadata_comes_as_octets_with_a_content_range_and_200(control, client):
    chunk, _ = await document(control)
    response = await client.download_recording(chunk["metadataLocation"])
    data = await response.read()
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Range"] == f"bytes 0-{len(data) - 1}/{len(data)}"
    assert json.loads(data) == chunk["metadata"]
    assert hashlib.sha256(data).hexdigest() == chunk["metadataSha256"]


async def test_delete_removes_media_and_metadata_once(control, client):
    chunk, _ = await document(control)
    await client.delete_recording(chunk["deleteLocation"])
    for location in (chunk["contentLocation"], chunk["metadataLocation"]):
        with pytest.raises(ResourceNotFoundError):
            await client.download_recording(location)
    with pytest.raises(ResourceNotFoundError):
        await client.delete_recording(chunk["deleteLocation"])
    entries = await control.get(f"/requests?documentId={chunk['documentId']}&host=us-storage.asm.skype.com")
    assert [(one["method"], one["status"]) for one in entries] == [("DELETE", 200), ("DELETE", 404)]


async def test_an_expired_document_is_gone(control, client):
    chunk, _ = await document(control)
    await control.post(f"/documents/{chunk['documentId']}/expire")
    with pytest.raises(ResourceNotFoundError):
        await client.download_recording(chunk["contentLocation"])


async def test_a_redirect_leads_to_a_region_that_requires_its_own_signature(control, client):
    chunk, original = await document(control, redirects=True)
    with pytest.raises(HttpResponseError) as failure:
        await client.download_recording(chunk["contentLocation"], permit_redirects=False)
    assert failure.value.status_code == 302
    regional = failure.value.response.headers["Location"]
    assert regional.split("/")[2] in ("us-storage.asm.skype.com", "eu-storage.asm.skype.com")
    assert await downloaded(client, regional) == original
    with pytest.raises(ClientAuthenticationError):
        await client.download_recording(chunk["contentLocation"])
    last = (await control.get("/requests"))[-1]
    assert last["hadAuthorization"] is False, "the SDK follows, but without its credentials"


async def test_an_empty_document_is_empty(control, client):
    chunk, _ = await document(control, size=0)
    assert await downloaded(client, chunk["contentLocation"]) == b""


async def test_a_range_beyond_four_gigabytes_is_served(control, client):
    chunk = (await control.post("/documents", size=(5 << 30) + 5, format="mp4"))["chunks"][0]
    tail = await downloaded(client, chunk["contentLocation"], headers={"Range": f"bytes={5 << 30}-"})
    assert len(tail) == 5


async def test_the_log_has_requests_and_bytes_sent(control, client):
    chunk, _ = await document(control)
    await downloaded(client, chunk["contentLocation"], headers={"Range": "bytes=0-99"})
    (entry,) = await control.get(f"/requests?documentId={chunk['documentId']}")
    assert entry["host"] == "storage.asm.skype.com"
    assert entry["range"] == "bytes=0-99"
    assert (entry["hadAuthorization"], entry["status"], entry["bytesSent"]) == (True, 206, 100)
