"""The quickstart's way: the whole file is read into memory, then uploaded, by the synchronous SDKs as they come."""

from azure.storage.blob import BlobClient

from bench.copying.job import ACS, CopyJob
from bench.detour import calls
from bench.measurement import Window


def run(job: CopyJob, window: Window) -> None:
    blob = BlobClient.from_connection_string(job.storage, job.container, job.blob)
    with blob, calls(ACS, address=job.address, ca=job.ca) as client, window.open():
        recording = client.download_recording(job.url).read()
        blob.upload_blob(recording)
