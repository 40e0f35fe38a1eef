"""Accessibility: no axe violations in either theme, use by keyboard, and use on a phone."""

import pytest
from playwright.async_api import Page, expect

from local.stack.options import CHECKOUT
from tests.acceptance.conftest import Deployment
from tests.acceptance.page.conftest import Visit, quarantine_an_event, record

pytestmark = pytest.mark.asyncio(loop_scope="session")

AXE = CHECKOUT / "local" / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"width": 360, "height": 740}


async def violations(page: Page) -> list[str]:
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['html']} {node['failureSummary']}" for one in found["violations"] for node in one["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_no_violation_in_any_view(deployment: Deployment, stranger: Visit, theme: str):
    page = stranger.page
    await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    await quarantine_an_event(deployment)  # a check that fails
    redirected = {"operation": "download", "kind": "redirect", "host": "media.example.net"}
    failed = await record(deployment, f"axe {theme} failed", fault=redirected)
    good = await record(deployment, f"axe {theme}", seconds=(20, 10), channel="unmixed", format="wav")
    await deployment.settled(failed, frozenset({"failed"}))
    await deployment.settled(good)
    await stranger.to("#/recordings")
    await expect(page.get_by_label("Function key")).to_be_visible()
    assert await violations(page) == []
    await stranger.enter()
    await expect(page.locator("#recordings tbody tr").first).to_be_visible()
    assert await violations(page) == []
    await page.get_by_role("link", name="Overview", exact=True).click()
    await expect(page.locator("tbody tr").filter(has_text="failed").first).to_be_visible()
    assert await violations(page) == []
    for recording_id in (failed, good):
        await stranger.to_recording(recording_id)
        await expect(page.locator(".timeline")).to_be_visible()
        assert await violations(page) == []
    await page.get_by_role("button", name="Play chunk 0", exact=True).click()
    await expect(page.locator("audio")).to_be_visible()
    assert await violations(page) == []
    await page.get_by_role("button", name="Keys").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await stranger.to("#/quarantine")
    await expect(page.locator("#quarantine tbody tr").first).to_be_visible()
    assert await violations(page) == []
    for runbook in ("callbacks-refused", "poison-messages"):  # a table; commands
        await stranger.to(f"#/runbooks/{runbook}")
        await expect(page.locator(".runbook li").first).to_be_visible()
        assert await violations(page) == []


async def test_the_keyboard_skips_to_the_content_and_shows_the_focus(visit: Visit):
    page = visit.page
    await page.reload()
    await expect(page.get_by_role("heading", name="Recordings")).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="All", exact=True)).to_be_focused()
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert await page.evaluate(outline) == "solid"


async def test_a_refresh_keeps_the_focus(deployment: Deployment, visit: Visit):
    slow = {"operation": "download", "kind": "slow", "times": 0, "bytesPerSecond": 100_000}
    recording_id = await record(deployment, "focus", seconds=(60,), fault=slow)
    await visit.to_recording(recording_id)
    await visit.page.locator("#refresh").focus()
    await expect(visit.page.locator("h1 + .badge")).to_have_text("Archived")
    await expect(visit.page.locator("#refresh")).to_be_focused()


async def test_a_phone_never_scrolls_sideways(deployment: Deployment, visit: Visit):
    recording_id = await record(deployment, "on a phone", seconds=(20, 10), channel="unmixed", format="wav")
    await deployment.settled(recording_id)
    await visit.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    await visit.to("#/recordings")
    await expect(visit.page.get_by_role("link", name="on a phone")).to_be_visible()
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert not await visit.page.evaluate(wide)
    await visit.to_recording(recording_id)
    await expect(visit.page.locator(".legend")).to_be_visible()
    assert not await visit.page.evaluate(wide)
    await visit.to("#/runbooks/poison-messages")
    await expect(visit.page.locator(".runbook pre")).to_be_visible()
    assert not await visit.page.evaluate(wide)
    await quarantine_an_event(deployment)
    await visit.to("#/quarantine")
    await expect(visit.page.locator("#quarantine tbody tr").first).to_be_visible()
    cells = "[...document.querySelectorAll('#quarantine td > *')]"
    clipped = f"{cells}.some((one) => one.scrollWidth > one.clientWidth + 1)"
    assert not await visit.page.evaluate(wide)
    assert not await visit.page.evaluate(clipped)
    await visit.to("#/")
    await expect(visit.page.locator("#throughput")).to_be_visible()
    assert not await visit.page.evaluate(wide)


async def test_a_chosen_theme_is_kept(visit: Visit):
    page, canvas = visit.page, "getComputedStyle(document.body).backgroundColor"
    await page.get_by_label("Theme").select_option("Dark")
    dark = await page.evaluate(canvas)
    await page.reload()
    assert await page.evaluate(canvas) == dark
    await page.get_by_label("Theme").select_option("Light")
    assert await page.evaluate(canvas) != dark
