"""The cost of the download alone: aiohttp reads all ranges, as many at once as Callvault, and keeps nothing."""

import asyncio
import ssl

from aiohttp import ClientSession

from bench.copying.concurrent import each_range
from bench.copying.job import CopyJob
from bench.measurement import MIB, Window


def run(job: CopyJob, window: Window) -> None:
    asyncio.run(_run(job, window))


async def _run(job: CopyJob, window: Window) -> None:
    tls = ssl.create_default_context(cafile=job.ca)
    url = f"https://{job.address}/{job.url.split('/', 3)[3]}"
    async with ClientSession(read_bufsize=MIB) as session:

        async def read(first: int, last: int) -> None:
            wanted, found = {"Range": f"bytes={first}-{last}"}, 0
            async with session.get(url, headers=wanted, ssl=tls, raise_for_status=True) as response:
                async for piece in response.content.iter_any():
                    found += len(piece)
            if found != last + 1 - first:
                raise RuntimeError(f"the source sent {found} bytes of the range {first}-{last}")

        with window.open():
            await each_range(job, read)
