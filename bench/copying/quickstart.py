"""The SDKs as in Microsoft's quickstart: read the whole file into memory, then upload it, with the defaults."""

from azure.storage.blob import BlobClient

from bench.copying.job import ACS, CopyJob
from bench.measurement import Window
from bench.synchronous_client import calls


def run(job: CopyJob, window: Window) -> None:
    blob = BlobClient.from_connection_string(job.storage, job.container, job.blob)
    with blob, calls(ACS, address=job.address, ca=job.ca) as client, window.open():
        recording = client.download_recording(job.url).read()
        blob.upload_blob(recording)
