"""Verifies the archive independently of the product.

Reads the archived blobs and compares their SHA-256 with the simulator's originals. Checks that the sources are deleted
and that the archive has no other files.
"""

import hashlib
from typing import Any

from azure.storage.blob.aio import ContainerClient

from local.demo.peers import Peers


async def discrepancies(views: list[dict[str, Any]], peers: Peers, storage: str) -> list[str]:
    """A sentence for each error. Empty if every chunk is archived byte for byte."""
    errors: list[str] = []
    expected: set[str] = set()
    async with ContainerClient.from_connection_string(storage, views[0]["archiveContainer"]) as container:
        for view in views:
            recording = await peers.acs("GET", f"/recordings/{view['recordingId']}")
            originals = {chunk["documentId"]: chunk for chunk in recording["chunks"]}
            shown = {chunk["documentId"]: chunk for chunk in view["chunks"]}
            if originals.keys() != shown.keys():
                errors.append(f"{view['correlation']}: ACS has {len(originals)} chunks, the catalogue {len(shown)}")
            for document_id in originals.keys() & shown.keys():
                chunk, original = shown[document_id], originals[document_id]
                where = f"{view['correlation']}, chunk {chunk['index']}"
                expected |= {str(chunk["blobName"]), str(chunk["metadataBlobName"])}
                if chunk["state"] != "released":
                    errors.append(f"{where}: the state is {chunk['state']}, not released ({chunk['detail']})")
                    continue
                if await _digest(container, chunk["blobName"]) != original["sha256"]:
                    errors.append(f"{where}: the archived media file differs from the original")
                if await _digest(container, chunk["metadataBlobName"]) != original["metadataSha256"]:
                    errors.append(f"{where}: the archived metadata differ from the original")
                if original["deletedAt"] is None:
                    errors.append(f"{where}: the source is not deleted")
        stored = {blob.name async for blob in container.list_blobs()}
    errors += [f"the archive has an unexpected file: {name}" for name in sorted(stored - expected)]
    return errors


async def _digest(container: ContainerClient, name: str) -> str:
    digest = hashlib.sha256()
    download = await container.download_blob(name)
    async for piece in download.chunks():
        digest.update(piece)
    return digest.hexdigest()
