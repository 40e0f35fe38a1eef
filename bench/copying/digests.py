"""The cost of the digests alone: SHA-256 of the file and the checksum of each block.

They are computed as in Callvault, by the product's functions, over blocks in memory, in the order of the file.
"""

import hashlib
import random

from bench.copying.job import CopyJob
from bench.measurement import Window
from shared.domain.files.checksums import Checksum, feed
from shared.domain.files.payload import Payload


def run(job: CopyJob, window: Window) -> None:
    block = random.Random(16).randbytes(job.block_size)  # noqa: S311 - a pattern, not a secret
    whole = hashlib.sha256()
    with window.open():
        for first, last in job.ranges:
            data = Payload.of(block if last + 1 - first == len(block) else block[: last + 1 - first])
            feed(whole, data)
            Checksum.of(data, job.checksum)
        whole.hexdigest()
