"""rclone `copyurl`, with blocks as large and as many at once as ours. It stores no digest of the content.

Go's start is in its figures and hardly shows: a hundredth of a second.
"""

import subprocess

from bench.copying.job import CopyJob
from bench.measurement import MIB, Window


def run(job: CopyJob, window: Window) -> None:
    source = job.url.split("/", 3)[3]
    container = job.blob_url.rpartition("/")[0]
    command = ["rclone", "copyurl", f"https://{job.address}/{source}", f":azureblob:{job.container}/{job.blob}"]
    command += ["--azureblob-sas-url", f"{container}?{job.sas}", "--config", ""]
    command += ["--azureblob-chunk-size", f"{job.block_size // MIB}Mi"]
    command += ["--azureblob-upload-concurrency", str(job.in_flight), "--no-check-certificate", "--retries", "1"]
    with window.open(children=1):
        subprocess.run(command, check=True, capture_output=True)
