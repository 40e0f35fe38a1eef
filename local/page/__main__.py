"""`python -m local.page` takes README's screenshots: a sample day on the local stack, in both themes."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from playwright.async_api import Browser, Page, expect

from local.browser import NoBrowserError, chromium
from local.demo.peers import DemoError, Peers
from local.page.sample_day import SHOWN, day
from local.processes.interruption import InterruptedBySignalError, interruptible
from local.stack import LOCAL, ChildError, Stack, StackOptions
from local.stack.addresses import Addresses
from local.stack.options import CHECKOUT

_THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_SIZE: Any = {"width": 1280, "height": 860}
_PATIENCE = 120_000  # milliseconds
_POSITION = 150.0  # of the player, seconds into the file


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.page", description=__doc__)
    parser.add_argument("--into", type=Path, default=CHECKOUT / "docs" / "images", metavar="DIRECTORY")
    arguments = parser.parse_args()
    arguments.into.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=_PATIENCE)
    try:
        asyncio.run(interruptible(_screenshots(arguments.into), with_parent=True))
    except InterruptedBySignalError:
        return 130
    except (ChildError, DemoError, NoBrowserError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def _screenshots(into: Path) -> None:
    options = StackOptions(directory=LOCAL / "screenshots", fresh=True, settings={"LEASE_SECONDS": "3"})
    async with chromium() as browser, Stack(options) as stack, Peers(stack.addresses) as peers:
        recording_ids = await day(peers, stack.addresses.storage_connection_string)
        for theme in _THEMES:
            page = await _open_page(browser, stack.addresses, theme)
            await expect(page.locator(".chart svg g").first).to_be_visible()
            await expect(page.get_by_role("row").filter(has_text="Complaint 31")).to_be_visible()
            await _screenshot(page, into / f"overview-{theme}.png")
            await page.get_by_role("link", name="Recordings", exact=True).click()
            await expect(page.locator("#recordings tbody tr").nth(len(recording_ids) - 1)).to_be_visible()
            await _screenshot(page, into / f"recordings-{theme}.png")
            await page.goto(f"{_address(stack.addresses)}#/recordings/{quote(recording_ids[SHOWN.name], safe='')}")
            await expect(page.locator(".legend")).to_contain_text("1 pause")
            await page.get_by_role("button", name="Play chunk 0", exact=True).click()
            await page.locator("audio").evaluate(_PAUSE_AT, _POSITION)
            await expect(page.locator(".playhead")).to_be_visible()
            await _screenshot(page, into / f"recording-{theme}.png")
            await page.context.close()


_PAUSE_AT = """async (media, seconds) => {
  if (media.readyState < 1) await new Promise((done) => media.addEventListener("loadedmetadata", done));
  await media.pause();
  media.currentTime = seconds;
}"""


def _address(addresses: Addresses) -> str:
    return f"{addresses.functions}/api/dashboard"


async def _open_page(browser: Browser, addresses: Addresses, theme: Literal["light", "dark"]) -> Page:
    context = await browser.new_context(viewport=_SIZE, color_scheme=theme, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(_PATIENCE)
    page = await context.new_page()
    await page.goto(_address(addresses))
    await page.get_by_label("Function key").fill(addresses.functions_key)
    await page.get_by_role("button", name="Open").click()
    return page


async def _screenshot(page: Page, path: Path) -> None:
    await page.mouse.move(0, 0)
    await page.evaluate("document.activeElement.blur()")
    await page.screenshot(path=path, full_page=True)
    print(path)


if __name__ == "__main__":
    sys.exit(main())
