"""The fastest client on this machine: curl reads ranges and curl uploads blocks, with pipes between them.

There are as many pairs as Callvault has ranges in flight, each with two keep-alive connections. Nothing is hashed,
checked or retried, and there is no event loop.
"""

import os
import subprocess
import tempfile
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

from bench.copying.job import MEDIA_HOST, CopyJob
from bench.measurement import Window

_VERSION = "x-ms-version: 2025-05-05"


def run(job: CopyJob, window: Window) -> None:
    with tempfile.TemporaryDirectory() as name:
        lanes = [_lane(job, Path(name), number) for number in range(min(job.in_flight, len(job.ranges)))]
        commands = [["curl", "--disable", "--config", str(config)] for lane in lanes for config in lane]
        blocks = "".join(f"<Latest>{_block_id(index)}</Latest>" for index in range(len(job.ranges)))
        commit = ["curl", "--disable", "-sSf", "-X", "PUT", "-H", _VERSION, "--data-binary", "@-"]
        commit += [f"{job.blob_url}?comp=blocklist&{job.sas}"]
        with window.open(children=len(commands)):
            running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
            if sum(process.wait() for process in running):
                raise RuntimeError("curl failed")
            body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{blocks}</BlockList>'
            subprocess.run(commit, input=body.encode(), check=True, stdout=subprocess.DEVNULL)


def _lane(job: CopyJob, place: Path, number: int) -> tuple[Path, Path]:
    """The curl configurations of one reading and one uploading process, which copy every nth block in sequence."""
    reading, putting = [], []
    for index in range(number, len(job.ranges), job.in_flight):
        first, last = job.ranges[index]
        pipe = place / str(index)
        os.mkfifo(pipe)
        reading.append(
            f'url = "{job.url}"\nconnect-to = "{MEDIA_HOST}:443:{job.address}"\ncacert = "{job.ca}"\n'
            f'range = "{first}-{last}"\noutput = "{pipe}"\nfail\nsilent\nshow-error\n'
        )
        putting.append(
            f'url = "{job.blob_url}?comp=block&blockid={quote(_block_id(index), safe="")}&{job.sas}"\n'
            f'upload-file = "{pipe}"\nheader = "Content-Length: {last + 1 - first}"\nheader = "Transfer-Encoding:"\n'
            f'header = "Expect:"\nheader = "{_VERSION}"\nfail\nsilent\nshow-error\n'
        )
    configs = place / f"read-{number}", place / f"put-{number}"
    for config, parts in zip(configs, (reading, putting), strict=True):
        config.write_text("next\n".join(parts))
    return configs


def _block_id(index: int) -> str:
    return b64encode(b"%05d" % index).decode()
