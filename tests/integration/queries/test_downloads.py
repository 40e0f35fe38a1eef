"""Links to archived files. Each link opens one file, for minutes, and each caller is audited."""

import asyncio
import base64
import json
import logging
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
import trustme
from azure.core.credentials import AccessToken, AzureNamedKeyCredential
from azure.data.tables import AccountSasPermissions, ResourceTypes, generate_account_sas
from azure.storage.blob.aio import BlobServiceClient

from local.stack import Azurite
from local.stack import azurite as run_azurite
from local.stack.azurite import ACCOUNT, ACCOUNT_KEY, Variant
from shared.domain.keys import key_of
from shared.gateways.blobs.download_links import DownloadLinks, Presented
from shared.http.answers import Answer
from shared.queries.downloads import File
from tests.integration.world import MakeWorld, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def ask(
    world: World, made: dict[str, Any], file: File = File.CONTENT, recording: str | None = None, **parameters: str
) -> Answer:
    path = {"recordingId": recording or made["recordingId"], "documentId": made["chunks"][0]["documentId"]}
    return await world.queries.link(file, path, parameters, by="ada@contoso.example")


async def archived(world: World, **order: Any) -> dict[str, Any]:
    made, _ = await world.announced(size=30_000, format="wav", **order)
    await world.drained()
    return made


@pytest.mark.storage("azurite")
async def test_a_link_reads_its_file_by_ranges_under_its_own_name_and_expires_soon(world: World):
    made = await archived(world)
    answer = await ask(world, made)
    assert (answer.status, answer.body) == (302, "")
    assert answer.headers["Cache-Control"] == "no-store"
    link = answer.headers["Location"]
    async with world.http.get(link, headers={"Range": "bytes=4-7"}) as got:
        assert got.status == 206
        assert got.headers["Content-Type"] == "audio/wav"
        assert got.headers["Content-Disposition"].startswith('attachment; filename="')
        key = key_of(made["chunks"][0]["documentId"])[:8]
        assert got.headers["Content-Disposition"].endswith(f'Z-0000-mixed-{key}.wav"')
        (content,) = [body for name, body in (await world.blobs()).items() if name.endswith(".wav")]
        assert await got.read() == content[4:8]
    expiry = datetime.fromisoformat(parse_qs(urlsplit(link).query)["se"][0])
    assert 14 * 60 <= (expiry - datetime.now(UTC)).total_seconds() <= 15 * 60


@pytest.mark.storage("azurite")
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_link_can_neither_write_nor_delete(world: World, method: str):
    link = (await ask(world, await archived(world))).headers["Location"]
    async with world.http.request(method, link, data=b"x", headers={"x-ms-blob-type": "BlockBlob"}) as got:
        assert got.status == 403


@pytest.mark.storage("azurite")
async def test_a_link_opens_no_other_file(world: World):
    first, second = await archived(world), await archived(world)
    one, other = [urlsplit((await ask(world, made)).headers["Location"]) for made in (first, second)]
    async with world.http.get(one._replace(path=other.path).geturl()) as got:
        assert got.status == 403


@pytest.mark.storage("azurite")
async def test_metadata_have_links_too_and_a_link_can_be_answered_as_json(world: World):
    made = await archived(world)
    answer = await ask(world, made, File.METADATA, redirect="false", disposition="inline")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    link = json.loads(answer.body)
    assert link["contentType"] == "application/json"
    async with world.http.get(link["url"]) as got:
        body = await got.read()
        assert got.headers["Content-Disposition"].startswith("inline;")
    assert json.loads(body)["chunkDocumentId"] == made["chunks"][0]["documentId"]
    assert link["size"] == len(body)


async def test_the_audit_names_the_caller_and_never_the_link(world: World, caplog: pytest.LogCaptureFixture):
    made = await archived(world)
    with caplog.at_level(logging.DEBUG, logger="callvault"):
        answer = await ask(world, made)
    (entry,) = await world.gateways.audit.history(key_of(made["recordingId"]))
    assert (entry.action, entry.by) == ("read content", "ada@contoso.example")
    assert entry.details["documentId"] == made["chunks"][0]["documentId"]
    signature = parse_qs(urlsplit(answer.headers["Location"]).query)["sig"][0]
    assert signature not in caplog.text + str(entry)
    assert "sig=" not in caplog.text + str(entry)


@pytest.mark.storage("azurite")
async def test_no_link_is_created_if_the_audit_entry_can_t_be_written(
    make_world: MakeWorld, world: World, azurite: Azurite
):
    made = await archived(world)
    may_read = generate_account_sas(
        AzureNamedKeyCredential(ACCOUNT, ACCOUNT_KEY),
        resource_types=ResourceTypes(object=True, service=True),
        permission=AccountSasPermissions(read=True, list=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    read_only = (
        f"BlobEndpoint={azurite.blob_url};QueueEndpoint={azurite.queue_url};TableEndpoint={azurite.table_url};"
        f"SharedAccessSignature={may_read}"
    )
    broken = await make_world(like=world, AzureWebJobsStorage=read_only, ARCHIVE_STORAGE=azurite.connection_string)
    answer = await ask(broken, made)
    assert (answer.status, json.loads(answer.body)["reason"]) == (503, "storage-forbidden")
    assert "Location" not in answer.headers


@pytest.mark.storage("azurite")
async def test_an_identity_signs_with_a_cached_user_delegation_key(tmp_path: Path):
    """As in Azure without an account key. Azurite accepts tokens only over TLS."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate = ca.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    options = ["--oauth", "basic", "--cert", str(tmp_path / "cert.pem"), "--key", str(tmp_path / "key.pem")]
    trusting = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    asked: list[str] = []
    async with (
        run_azurite(tmp_path / "azurite", variant=Variant(options=tuple(options))) as running,
        BlobServiceClient(
            running.blob_url,
            credential=Identity(),
            raw_request_hook=lambda sent: asked.append(sent.http_request.url),
            connection_verify=str(tmp_path / "ca.pem"),
        ) as service,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as http,
    ):
        container = await service.create_container("recordings")
        await container.upload_blob("one.wav", b"RIFF")
        links = DownloadLinks(service, "recordings")
        presented = Presented(file_name="one.wav", content_type="audio/wav", inline=True)
        now = datetime.now(UTC)
        for minutes in (-8 * 60, -60, 0):  # the last link expires after the first key
            at = now + timedelta(minutes=minutes)
            url = await links.sign("one.wav", presented, now=at, until=at + timedelta(minutes=15))
            assert "spr=https" in url
        async with http.get(url) as got:
            assert (got.status, await got.read()) == (200, b"RIFF")
        assert sum("userdelegationkey" in url for url in asked) == 2


class Identity:
    """An identity that Azurite accepts: a token of the right format. Azurite doesn't verify its signature."""

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        del scopes
        now = int(datetime.now(UTC).timestamp())
        claims = {"iss": "https://sts.windows.net/tenant/", "aud": "https://storage.azure.com", "oid": "me", "tid": "t"}
        body = claims | {"iat": now, "nbf": now - 60, "exp": now + 3600}
        parts = ({"alg": "RS256", "typ": "JWT"}, body, {})
        token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        return AccessToken(token, now + 3600)

    async def close(self) -> None:
        """Holds nothing open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Holds nothing open."""


async def test_a_file_that_isn_t_archived_yet_or_was_removed_has_a_problem_of_its_own(world: World):
    made, _ = await world.announced(size=30_000, format="wav")
    early = await ask(world, made)
    assert (early.status, json.loads(early.body)["reason"]) == (409, "not-archived")
    await world.drained()
    container = world.app.clients.archive.get_container_client(world.settings.archive_container)
    await asyncio.gather(*[container.delete_blob(name) for name in await world.blobs()])
    late = await ask(world, made)
    assert (late.status, json.loads(late.body)["reason"]) == (410, "archived-file-gone")
    unknown = await ask(world, made, recording="bm9ib2R5")
    assert unknown.status == 404


async def test_a_recording_can_be_named_by_its_key(world: World):
    made = await archived(world)
    assert (await ask(world, made, recording=key_of(made["recordingId"]))).status == 302


@pytest.mark.parametrize(
    ("parameters", "field"),
    [({"disposition": "run"}, "disposition"), ({"redirect": "perhaps"}, "redirect"), ({"inline": "1"}, "inline")],
)
async def test_a_wrong_parameter_is_named_in_the_problem(world: World, parameters: dict[str, str], field: str):
    made = {"recordingId": "cmVj", "chunks": [{"documentId": "doc"}]}
    answer = await ask(world, made, **parameters)
    assert (answer.status, json.loads(answer.body)["errors"][0]["field"]) == (400, field)
