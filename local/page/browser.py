"""A real Chromium without a window, driven by Playwright: the machine's own, or one that is fetched for it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Browser, async_playwright

_FIND = Path(__file__).parents[1] / "find-browser.sh"


class NoBrowserError(Exception):
    """There is none; the sentence says how to get one."""


@contextlib.asynccontextmanager
async def chromium(*, fetch: bool = True) -> AsyncIterator[Browser]:
    """Raises NoBrowserError where none is found, nor could be fetched, if it was to be."""
    arguments = [] if fetch else ["--no-fetch"]
    finding = await asyncio.create_subprocess_exec(
        str(_FIND), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    found, complaint = await finding.communicate()
    if finding.returncode != 0:
        raise NoBrowserError(complaint.decode().strip())
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found.decode().strip())
        try:
            yield browser
        finally:
            await browser.close()
