"""The demo's own eyes: what the pipeline claims is compared with the archive's bytes and with the originals.

Nothing here asks the product: blobs are read back and hashed, the simulator is asked for its originals' digests and
whether the source is gone, and the archive must hold these files and no others.
"""

import hashlib
from typing import Any

from azure.storage.blob.aio import ContainerClient

from local.demo.peers import Peers


async def discrepancies(views: list[dict[str, Any]], peers: Peers, storage: str) -> list[str]:
    """What is wrong, a sentence each; none when every chunk is where it belongs, byte for byte."""
    wrong: list[str] = []
    expected: set[str] = set()
    async with ContainerClient.from_connection_string(storage, views[0]["archiveContainer"]) as container:
        for view in views:
            told = await peers.acs("GET", f"/recordings/{view['recordingId']}")
            originals = {chunk["documentId"]: chunk for chunk in told["chunks"]}
            shown = {chunk["documentId"]: chunk for chunk in view["chunks"]}
            if originals.keys() != shown.keys():
                wrong.append(f"{view['correlation']}: ACS made {len(originals)} chunks, the catalogue has {len(shown)}")
            for document_id in originals.keys() & shown.keys():
                chunk, original = shown[document_id], originals[document_id]
                where = f"{view['correlation']}, chunk {chunk['index']}"
                expected |= {str(chunk["blobName"]), str(chunk["metadataBlobName"])}
                if chunk["state"] != "released":
                    wrong.append(f"{where}: is {chunk['state']}, not released ({chunk['detail']})")
                    continue
                if await _digest(container, chunk["blobName"]) != original["sha256"]:
                    wrong.append(f"{where}: the archived media are not the original's bytes")
                if await _digest(container, chunk["metadataBlobName"]) != original["metadataSha256"]:
                    wrong.append(f"{where}: the archived metadata are not the original's bytes")
                if original["deletedAt"] is None:
                    wrong.append(f"{where}: the source is still there")
        stored = {blob.name async for blob in container.list_blobs()}
    wrong += [f"the archive holds a file that nobody announced: {name}" for name in sorted(stored - expected)]
    return wrong


async def _digest(container: ContainerClient, name: str) -> str:
    digest = hashlib.sha256()
    download = await container.download_blob(name)
    async for piece in download.chunks():
        digest.update(piece)
    return digest.hexdigest()
