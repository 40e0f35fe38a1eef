"""The SDKs as documented: `upload_blob` reads one download stream, and uploads one block after another.

The pieces have 1 MiB instead of the default 4 KiB. The blob SDK joins pieces in quadratic time, so a file that it
uploads in one request (up to 64 MiB) would take many minutes.
"""

from azure.storage.blob import BlobClient

from bench.copying.job import ACS, CopyJob
from bench.measurement import MIB, Window
from bench.synchronous_client import calls


def run(job: CopyJob, window: Window) -> None:
    blob = BlobClient.from_connection_string(job.storage, job.container, job.blob)
    with blob, calls(ACS, address=job.address, ca=job.ca, connection_data_block_size=MIB) as client, window.open():
        blob.upload_blob(client.download_recording(job.url).iter_bytes(), length=job.size)
