"""Fixtures: a real browser in front of the whole stack, and users of the page."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest_asyncio
from playwright.async_api import Browser, Page, Request, expect

from local.browser import chromium
from tests.acceptance.conftest import PATIENCE, Deployment, until

expect.set_options(timeout=PATIENCE * 1000)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@dataclass(kw_only=True)
class Visit:
    """A user with the page open. Collects the browser's errors and requests."""

    page: Page
    where: str
    key: str
    errors: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    async def to(self, fragment: str = "") -> None:
        address = f"{self.where}/api/dashboard{fragment}"
        if self.page.url == address:
            await self.page.reload()
        else:
            await self.page.goto(address)

    async def to_recording(self, recording_id: str) -> None:
        await self.to(f"#/recordings/{quote(recording_id, safe='')}")

    async def enter(self, key: str | None = None) -> None:
        await self.page.get_by_label("Function key").fill(key or self.key)
        await self.page.get_by_role("button", name="Open").click()


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(deployment: Deployment, browser: Browser) -> AsyncIterator[Visit]:
    """A user who hasn't entered a key yet. Fails at the end if the browser reported errors."""
    context = await browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE * 1000)
    page = await context.new_page()
    visit = Visit(page=page, where=deployment.where.functions, key=deployment.where.functions_key)
    page.on("request", lambda request: visit.requests.append(request))  # noqa: PLW0108 - Playwright marks its handlers
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    page.on("dialog", lambda dialog: visit.errors.append(f"a dialog: {dialog.message}"))
    page.on("console", lambda message: visit.errors.append(message.text) if message.type == "error" else None)
    yield visit
    await context.close()
    # The console also reports requests that were answered with 4xx; some tests expect those.
    assert [error for error in visit.errors if not error.startswith("Failed to load resource")] == []


@pytest_asyncio.fixture(loop_scope="session")
async def visit(stranger: Visit) -> Visit:
    """A user who entered the function key."""
    await stranger.to("#/recordings")
    await stranger.enter()
    await expect(stranger.page.get_by_role("heading", name="Recordings")).to_be_visible()
    return stranger


@pytest_asyncio.fixture(loop_scope="session")
async def operator(deployment: Deployment, stranger: Visit) -> Visit:
    """A user who entered the master key."""
    await stranger.to("#/recordings")
    await stranger.enter(deployment.where.master_key)
    await expect(stranger.page.get_by_role("heading", name="Recordings")).to_be_visible()
    return stranger


async def record(
    deployment: Deployment,
    correlation: str | None,
    *,
    seconds: tuple[int, ...] = (3,),
    people: Any = 2,
    fault: dict[str, Any] | None = None,
    **wanted: Any,
) -> str:
    """Records a call through the app, with a chunk for each of `seconds`, and stops. Returns the recordingId."""
    call = await deployment.acs("POST", "/calls", kind="group", participants=people)
    request = {"serverCallId": call["serverCallId"], "correlation": correlation, "content": "audio", "format": "mp3"}
    if wanted.get("channel") == "unmixed":
        affinity = [{"participantId": one["participantId"], "channel": n} for n, one in enumerate(call["participants"])]
        request["channelAffinity"] = affinity
    status, started, _ = await deployment.call("POST", "/api/recordings", json=request | wanted)
    assert status == 201, started
    recording_id = str(started["recordingId"])
    if fault is not None:
        await deployment.acs("POST", "/faults", recordingId=recording_id, **fault)
    for number, length in enumerate(seconds):
        if number:
            await deployment.acs("POST", f"/recordings/{recording_id}/cut")
        await deployment.acs("POST", f"/recordings/{recording_id}/advance", seconds=length)
    await deployment.call("POST", f"/api/recordings/{quote(recording_id, safe='')}/stop")
    return recording_id


async def quarantine_an_event(deployment: Deployment) -> None:
    """Always the same event, which is in the quarantine once."""
    unreadable = {
        "id": "unreadable", "topic": "/subscriptions/0", "subject": "nothing", "dataVersion": "1.0", "data": {},
        "eventType": "Microsoft.Communication.RecordingFileStatusUpdated", "eventTime": "2026-11-28T10:00:00Z",
    }  # fmt: skip
    status, _, _ = await deployment.call("POST", "/api/events", json=unreadable, headers=deployment.operator)
    assert status == 202


async def listed(deployment: Deployment, correlation: str) -> dict[str, Any]:
    """Waits until the recording is listed, and returns its list entry."""

    async def entry() -> dict[str, Any] | None:
        _, body, _ = await deployment.call("GET", "/api/recordings", params={"correlation": correlation})
        return next(iter(body["recordings"]), None)

    found: dict[str, Any] = await until(entry)
    return found
