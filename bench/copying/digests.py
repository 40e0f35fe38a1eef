"""What the digests alone cost on the same bytes: SHA-256 of the file and MD5 of each block, and nothing else.

As ours computes them: with hashlib, over blocks of memory, in the order of the file.
"""

import hashlib
import random

from bench.copying.job import CopyJob
from bench.measurement import Window


def run(job: CopyJob, window: Window) -> None:
    block = memoryview(random.Random(16).randbytes(job.block_size))  # noqa: S311 - a pattern, not a secret
    whole = hashlib.sha256()
    with window.open():
        for first, last in job.ranges:
            data = block[: last + 1 - first]
            whole.update(data)
            hashlib.md5(data, usedforsecurity=False).digest()
        whole.hexdigest()
