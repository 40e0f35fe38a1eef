"""Metadata of another chunk, archived with this one, would tell lies in court."""

import json

import pytest

from shared.contracts.metadata import check_metadata
from shared.errors import SourceIncomplete


@pytest.mark.parametrize("key", ["chunkDocumentId", "ChunkDocumentId", "chunkdocumentid"])
def test_metadata_of_the_chunk_itself_is_taken_in_any_casing(key: str):
    check_metadata(json.dumps({key: "doc-1", "version": 2}).encode(), document_id="doc-1")


def test_metadata_that_names_no_chunk_is_taken():
    check_metadata(b'{"participants": []}', document_id="doc-1")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b'{"chunkDocumentId": "doc-2"}', b"\xff\xfe", b"[" * 100_000, b'{"a": 1']
)
def test_anything_else_is_refused(body: bytes):
    with pytest.raises(SourceIncomplete):
        check_metadata(body, document_id="doc-1")
