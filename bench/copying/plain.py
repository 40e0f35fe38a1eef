"""The SDKs' plain way: one download stream, handed to `upload_blob` piece by piece, one block after another.

With one kindness: pieces of 1 MiB. By default they have 4 KiB, which the blob SDK strings together in quadratic
time: a file that it puts in one request, as it does up to 64 MiB, takes it many minutes.
"""

from azure.storage.blob import BlobClient

from bench.copying.job import ACS, CopyJob
from bench.detour import calls
from bench.measurement import MIB, Window


def run(job: CopyJob, window: Window) -> None:
    blob = BlobClient.from_connection_string(job.storage, job.container, job.blob)
    with blob, calls(ACS, address=job.address, ca=job.ca, connection_data_block_size=MIB) as client, window.open():
        blob.upload_blob(client.download_recording(job.url).iter_bytes(), length=job.size)
