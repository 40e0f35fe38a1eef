"""rclone `copyurl`, with Callvault's block size and number of concurrent blocks. It stores no digest of the content.

The time to start rclone is measured and subtracted, because Callvault's worker starts long before a chunk arrives.
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
    start = Window()
    with start.open(children=1):
        subprocess.run(["rclone", "version", "--config", ""], check=True, capture_output=True)
    with window.open(children=1):
        subprocess.run(command, check=True, capture_output=True)
    window.leave_out(wall=start.measurement.wall, cpu=start.measurement.cpu)
