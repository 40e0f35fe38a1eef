"""What the archive relies on in Blob Storage: blocks, conditions, checksums, metadata and listings."""

import hashlib
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobBlock, ContentSettings

from shared.domain.files.checksums import Checksum, ChecksumKind
from shared.domain.files.payload import Payload
from tests.contract.conftest import Storage, code_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
UNCHANGED = MatchConditions.IfNotModified
AUDIO = ContentSettings(content_type="audio/wav")


def md5(data: bytes) -> dict[str, bytearray]:
    return {"transactional_content_md5": bytearray(hashlib.md5(data, usedforsecurity=False).digest())}


async def commit(blob: Any, *names: str, **options: Any) -> None:
    await blob.commit_block_list([BlobBlock(block_id=name) for name in names], **options)


async def test_a_blob_is_never_overwritten_unless_asked_for(storage: Storage):
    blob = storage.container.get_blob_client("folder/a b.wav")
    await blob.upload_blob(b"first", content_settings=AUDIO, metadata={"size": "5"}, **md5(b"first"))
    with pytest.raises(ResourceExistsError) as caught:
        await blob.upload_blob(b"second", overwrite=False)
    assert code_of(caught.value) == "BlobAlreadyExists"
    found = await blob.get_blob_properties()
    assert (found.size, found.content_settings.content_type, found.metadata) == (5, "audio/wav", {"size": "5"})
    assert await (await blob.download_blob()).readall() == b"first"


async def test_blocks_make_a_file_once_they_are_committed_and_not_before(storage: Storage):
    blob = storage.container.get_blob_client("file")
    for name, data in (("block-1", b"one"), ("block-2", b"two!")):
        await blob.stage_block(name, data, length=len(data), **md5(data))
    committed, staged = await blob.get_block_list("uncommitted")
    assert (committed, [(block.id, block.size) for block in staged]) == ([], [("block-1", 3), ("block-2", 4)])
    with pytest.raises(ResourceNotFoundError) as caught:
        await blob.get_blob_properties()
    assert code_of(caught.value) == "BlobNotFound"
    assert [one.name async for one in storage.container.list_blobs()] == []
    await commit(blob, "block-2", "block-1", content_settings=AUDIO, match_condition=MatchConditions.IfMissing)
    committed, staged = await blob.get_block_list("committed")
    assert [(block.id, block.size) for block in committed] == [("block-2", 4), ("block-1", 3)]
    assert await (await blob.download_blob(offset=2, length=3)).readall() == b"o!o"


async def test_a_second_commit_finds_the_first_one_s_file(storage: Storage):
    blob = storage.container.get_blob_client("file")
    await blob.stage_block("block-1", b"mine")
    await commit(blob, "block-1", match_condition=MatchConditions.IfMissing)
    await blob.stage_block("block-1", b"another's")
    with pytest.raises(ResourceExistsError) as caught:
        await commit(blob, "block-1", match_condition=MatchConditions.IfMissing)
    assert (caught.value.status_code, code_of(caught.value)) == (409, "BlobAlreadyExists")
    assert await (await blob.download_blob()).readall() == b"mine"


async def test_a_commit_of_a_block_that_is_not_there_is_refused(storage: Storage):
    blob = storage.container.get_blob_client("file")
    await blob.stage_block("block-1", b"one")
    with pytest.raises(HttpResponseError) as caught:
        await commit(blob, "block-1", "block-2")
    assert (caught.value.status_code, code_of(caught.value)) == (400, "InvalidBlockList")


async def test_a_commit_drops_the_blocks_that_it_leaves_out(storage: Storage):
    blob = storage.container.get_blob_client("file")
    await blob.stage_block("block-1", b"one")
    await blob.stage_block("block-2", b"two")
    await commit(blob, "block-1")
    assert (await blob.get_block_list("uncommitted"))[1] == []


@pytest.mark.parametrize("kind", ChecksumKind)
async def test_bytes_that_differ_from_their_checksum_are_not_stored(storage: Storage, kind: ChecksumKind):
    def checked(data: bytes) -> dict[str, bytearray]:
        return {f"transactional_content_{kind}": bytearray(Checksum.of(Payload.of(data), kind).value)}

    blob = storage.container.get_blob_client("file")
    with pytest.raises(HttpResponseError) as staged:
        await blob.stage_block("block-1", b"other", length=5, **checked(b"bytes"))
    assert (staged.value.status_code, code_of(staged.value)) == (400, f"{kind.capitalize()}Mismatch")
    await blob.stage_block("block-1", b"bytes", length=5, **checked(b"bytes"))
    if kind is ChecksumKind.MD5:
        with pytest.raises(HttpResponseError) as put:
            await storage.container.get_blob_client("whole").upload_blob(b"other", overwrite=False, **checked(b"bytes"))
        assert code_of(put.value) == "Md5Mismatch"


async def test_a_blob_is_changed_and_deleted_only_as_it_was_read(storage: Storage):
    blob = storage.container.get_blob_client("file")
    await blob.upload_blob(b"bytes")
    (listed,) = [one.etag async for one in storage.container.list_blobs()]
    old = (await blob.get_blob_properties()).etag
    assert listed.strip('"') == old.strip('"')
    await blob.set_blob_metadata({"sha256": "abc"})
    changed = await blob.get_blob_properties()
    assert (changed.metadata, changed.etag != old, changed.size) == ({"sha256": "abc"}, True, 5)
    with pytest.raises(ResourceModifiedError) as caught:
        await blob.delete_blob(etag=listed, match_condition=UNCHANGED)
    assert (caught.value.status_code, code_of(caught.value)) == (412, "ConditionNotMet")
    await blob.delete_blob(etag=changed.etag, match_condition=UNCHANGED)
    with pytest.raises(ResourceNotFoundError):
        await blob.get_blob_properties()


async def test_an_absent_blob_differs_from_an_absent_container(storage: Storage):
    nowhere = storage.blobs.get_container_client(f"nowhere-{storage.mark}")
    for container, code in ((storage.container, "BlobNotFound"), (nowhere, "ContainerNotFound")):
        blob = container.get_blob_client("file")
        for asked in (blob.get_blob_properties, blob.download_blob, blob.get_block_list, blob.delete_blob):
            with pytest.raises(ResourceNotFoundError) as caught:
                await asked()
            assert code_of(caught.value) == code, asked.__name__
    with pytest.raises(ResourceNotFoundError) as caught:
        await nowhere.upload_blob("file", b"bytes", overwrite=False)
    assert code_of(caught.value) == "ContainerNotFound"
    with pytest.raises(ResourceNotFoundError):
        await nowhere.get_container_properties()
    with pytest.raises(ResourceNotFoundError):
        [one async for one in nowhere.list_blobs()]


async def test_a_listing_is_by_name_with_metadata_where_asked_for(storage: Storage):
    for name in ("b.wav", "a.wav", "a.metadata.json", "c"):
        await storage.container.upload_blob(name, b"bytes", overwrite=False, metadata={"key": "value", "none": ""})
    listed = [one async for one in storage.container.list_blobs(name_starts_with="a.", include=["metadata"])]
    assert [(one.name, one.size, dict(one.metadata)) for one in listed] == [
        ("a.metadata.json", 5, {"key": "value", "none": None}),
        ("a.wav", 5, {"key": "value", "none": None}),
    ]
    assert listed[0].creation_time.tzinfo is not None
    assert [one.name async for one in storage.container.list_blobs()] == ["a.metadata.json", "a.wav", "b.wav", "c"]


async def test_a_range_ends_with_the_file(storage: Storage):
    blob = storage.container.get_blob_client("file")
    await blob.upload_blob(b"0123456789")
    assert await (await blob.download_blob(offset=8, length=100)).readall() == b"89"
    await storage.container.upload_blob("empty", b"")
    assert await (await storage.container.download_blob("empty")).readall() == b""
    with pytest.raises(HttpResponseError) as caught:
        await storage.container.download_blob("empty", offset=0, length=5)
    assert (caught.value.status_code, code_of(caught.value)) == (416, "InvalidRange")
