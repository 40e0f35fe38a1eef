"""A headless Chromium driven by Playwright: the machine's own, or one that is downloaded."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Browser, async_playwright

_FIND = Path(__file__).parent / "find-browser.sh"


class NoBrowserError(Exception):
    """No Chromium was found. The message says how to get one."""


@contextlib.asynccontextmanager
async def chromium(*, fetch: bool = True) -> AsyncIterator[Browser]:
    """Raises NoBrowserError if no Chromium is found and, with `fetch`, none can be downloaded."""
    arguments = [] if fetch else ["--no-fetch"]
    search = await asyncio.create_subprocess_exec(
        str(_FIND), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, error_output = await search.communicate()
    if search.returncode != 0:
        raise NoBrowserError(error_output.decode().strip())
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=output.decode().strip())
        try:
            yield browser
        finally:
            await browser.close()
