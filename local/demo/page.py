"""Checks the operators' page: its files, the requests that it makes and, if there is a Chromium, what it shows."""

import re
from typing import Any
from urllib.parse import quote

import aiohttp
from playwright.async_api import Error as BrowserError
from playwright.async_api import expect

from local.browser import NoBrowserError, chromium
from local.demo.peers import DemoError
from local.stack.addresses import Addresses

_FILES = re.compile(r"""["'](?:dashboard|\.)/([a-z]+\.[a-z]+)["']""")  # the files that the page and its modules load
_PATIENCE = 60_000  # milliseconds


async def check_page(addresses: Addresses, views: list[dict[str, Any]]) -> str:
    """Returns a sentence that says what was checked. Raises DemoError if the page doesn't work."""
    async with aiohttp.ClientSession() as http:
        files = await _files(f"{addresses.functions}/api/dashboard", http)
        await _data(addresses, views, http)
    try:
        rendered = await _rendered(addresses, views)
    except NoBrowserError:
        rendered = "It was not rendered, because no Chromium was found; make test downloads one on systems with apt."
    except (AssertionError, BrowserError) as error:
        raise DemoError(f"The page does not show the recordings: {error}") from None
    return f"The page's {files} files, its requests and a download by link work. {rendered}"


async def _files(page: str, http: aiohttp.ClientSession) -> int:
    """Fetches the page and all files that it loads, without a key, as a browser does. Returns their number."""
    wanted, seen = [page], {page}
    for url in wanted:
        async with http.get(url) as response:
            text = await response.text()
            if response.status != 200 or "default-src 'none'" not in response.headers["Content-Security-Policy"]:  # noqa: PLR2004 - OK
                raise DemoError(f"GET {url} returned {response.status}, or no Content-Security-Policy")
        new = {f"{page}/{name}" for name in _FILES.findall(text)} - seen
        seen |= new
        wanted += sorted(new)
    return len(wanted)


async def _data(addresses: Addresses, views: list[dict[str, Any]], http: aiohttp.ClientSession) -> None:
    """Sends the requests that the page sends, with a key, and reads a range of a file as a media player does."""
    api, headers = f"{addresses.functions}/api", {"x-functions-key": addresses.functions_key}

    async def get(path: str) -> Any:
        async with http.get(f"{api}/{path}", headers=headers) as response:
            if not response.ok:
                raise DemoError(f"GET /api/{path.partition('?')[0]} returned {response.status}")
            return await response.json()

    await get("summary")
    listed = {one["recordingId"] for one in (await get("recordings"))["recordings"]}
    if missing := {view["recordingId"] for view in views} - listed:
        raise DemoError(f"{len(missing)} of the recordings are missing in the list")
    recording = quote(views[0]["recordingId"], safe="")
    chunk = views[0]["chunks"][0]
    link = await get(f"recordings/{recording}/chunks/{chunk['documentId']}/content?redirect=false&disposition=inline")
    async with http.get(link["url"], headers={"Range": "bytes=1000-1999"}) as response:
        if (response.status, len(await response.read())) != (206, 1000):
            raise DemoError(f"The download link returned {response.status} for a range")


async def _rendered(addresses: Addresses, views: list[dict[str, Any]]) -> str:
    async with chromium(fetch=False) as browser:
        page = await browser.new_page()
        page.set_default_timeout(_PATIENCE)
        expect.set_options(timeout=_PATIENCE)
        await page.goto(f"{addresses.functions}/api/dashboard")
        await page.get_by_label("Function key").fill(addresses.functions_key)
        await page.get_by_role("button", name="Open").click()
        verdict = page.locator(".verdict .title")
        await expect(verdict).to_be_visible()
        await page.get_by_role("link", name="Recordings", exact=True).click()
        for view in views:
            await expect(page.get_by_role("link", name=view["correlation"])).to_be_visible()
        return f"In Chromium {browser.version}, it lists all recordings."
