"""The cost of the upload alone: aiohttp sends all blocks, as many at once as Callvault, each as one bytes object."""

import asyncio
import random
from base64 import b64encode
from urllib.parse import quote

from aiohttp import ClientSession
from yarl import URL

from bench.copying.concurrent import each_range
from bench.copying.job import CopyJob
from bench.measurement import Window


def run(job: CopyJob, window: Window) -> None:
    asyncio.run(_run(job, window))


async def _run(job: CopyJob, window: Window) -> None:
    block = random.Random(18).randbytes(job.block_size)  # noqa: S311 - a pattern, not a secret
    async with ClientSession(headers={"x-ms-version": "2025-05-05"}) as session:

        async def send(first: int, last: int) -> None:
            name = quote(b64encode(b"%05d" % (first // job.block_size)).decode(), safe="")
            url = URL(f"{job.blob_url}?comp=block&blockid={name}&{job.sas}", encoded=True)
            size = last + 1 - first
            body = block if size == len(block) else block[:size]
            async with session.put(url, data=body, raise_for_status=True) as response:
                await response.read()

        with window.open():
            await each_range(job, send)
