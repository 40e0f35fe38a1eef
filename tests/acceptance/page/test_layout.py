"""What comes first, on a wide screen and on a phone, in both themes."""

from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.acceptance.conftest import Deployment
from tests.acceptance.page.conftest import Visit, quarantine_an_event, record

pytestmark = pytest.mark.asyncio(loop_scope="session")

WIDE: Any = {"width": 1440, "height": 900}
PHONE: Any = {"width": 390, "height": 844}


async def top_of(part: Locator) -> float:
    box = await part.bounding_box()
    assert box is not None
    return box["y"]


@pytest.mark.parametrize("size", [WIDE, PHONE])
async def test_the_overview_shows_the_verdict_then_trouble_deadlines_and_charts_last(
    deployment: Deployment, visit: Visit, size: Any
):
    await quarantine_an_event(deployment)
    redirected = {"operation": "download", "kind": "redirect", "host": "media.example.net"}
    await deployment.settled(await record(deployment, "first", fault=redirected), frozenset({"failed"}))
    page = visit.page
    await page.set_viewport_size(size)
    await visit.to("#/")
    parts = (".verdict", "#trouble-title", "#checks-title", "#oldest-title", ".tiles", "#throughput")
    for part in parts:
        await expect(page.locator(part)).to_be_visible()
    tops = [await top_of(page.locator(part)) for part in parts]
    assert tops == sorted(tops)


async def test_tiles_at_zero_recede(visit: Visit):
    page = visit.page
    await visit.to("#/")
    overdue = page.locator("#tile-recordings-overdue")
    await expect(overdue.locator(".figure")).to_have_text("0")
    await expect(overdue).to_have_class("tile zero")
    assert await overdue.evaluate("one => getComputedStyle(one).boxShadow") == "none"


async def test_a_recording_takes_one_line_on_a_wide_screen_and_two_on_a_phone(deployment: Deployment, visit: Visit):
    recording_id = await record(deployment, "lines", seconds=(3, 2))
    await deployment.settled(recording_id)
    page = visit.page
    await visit.to("#/recordings?correlation=lines")
    row = page.locator("#recordings tbody tr").first
    for size, lines in ((WIDE, 1), (PHONE, 2)):
        await page.set_viewport_size(size)
        await expect(row).to_contain_text("lines")
        cells = await row.locator(":is(th, td):visible").all()
        tops = sorted([await top_of(cell) for cell in cells])
        assert len({round(top / 16) for top in tops}) == lines, tops
    await expect(row).to_contain_text("2")
    units = "[...document.querySelectorAll('td.number')].map((one) => getComputedStyle(one, '::after').content)"
    assert {'" people"', '" chunks"'} <= set(await page.evaluate(units))


async def test_numbers_are_aligned_at_the_right_and_no_column_is_empty(deployment: Deployment, visit: Visit):
    await deployment.settled(await record(deployment, "aligned"))
    page = visit.page
    await page.set_viewport_size(WIDE)
    await visit.to("#/recordings?correlation=aligned")
    await expect(page.locator("#recordings td.number").first).to_be_visible()
    aligned = "[...document.querySelectorAll('#recordings .number')].map((one) => getComputedStyle(one).textAlign)"
    assert set(await page.evaluate(aligned)) == {"right"}
    titles = await page.locator("#recordings thead th").all_text_contents()
    assert titles == ["Recording", "State", "Started (UTC)", "Participants", "Length", "Size", "Chunks", "Kind"]
    assert "\u2013" not in str(await page.locator("#recordings").text_content())
