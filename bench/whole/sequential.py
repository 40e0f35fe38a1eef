"""`python -m bench.whole.sequential < JOB` handles the same events with a plain script and the same SDKs.

For one event after another, it writes a table row, stores the metadata and the media, updates the row and deletes the
source. It has no queue, lease, checksum, retry or verification: a failure or crash loses the recording.
"""

import json
import sys
import time
from typing import Any

from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient

from bench.synchronous_client import calls
from shared.domain.keys import key_of


def main() -> None:
    job = json.load(sys.stdin)
    storage = job["storage"]
    ended = []
    with (
        calls(job["acs"], address=job["address"], ca=job["ca"]) as client,
        TableServiceClient.from_connection_string(storage) as tables,
        BlobServiceClient.from_connection_string(storage) as blobs,
    ):
        table, container = tables.create_table("script"), blobs.create_container("script")
        began, used = time.perf_counter(), time.process_time()
        for event in job["events"]:
            _archive(event, client, table, container)
            ended.append(time.perf_counter() - began)
    print(json.dumps({"ended": ended, "cpu": time.process_time() - used}))


def _archive(event: dict[str, Any], client: Any, table: Any, container: Any) -> None:
    (chunk,) = event["data"]["recordingStorageInfo"]["recordingChunks"]
    key = key_of(chunk["documentId"])
    row = {"PartitionKey": key, "RowKey": "chunk", "documentId": chunk["documentId"], "state": "copying"}
    table.upsert_entity(row)
    container.upload_blob(f"{key}.metadata.json", client.download_recording(chunk["metadataLocation"]).read())
    container.upload_blob(f"{key}.wav", client.download_recording(chunk["contentLocation"]).read())
    table.upsert_entity(row | {"state": "archived"})
    client.delete_recording(chunk["deleteLocation"])


if __name__ == "__main__":
    main()
