"""The overview: its status follows the summary, and it lists failed recordings with a reason and a Retry button."""

import re
from typing import Any

import pytest
from playwright.async_api import expect

from tests.acceptance.conftest import Deployment
from tests.acceptance.page.conftest import Visit, record

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOUR = 3600


def summary(
    *,
    seconds_left: float | None = None,
    safe: int = 0,
    trouble: int = 0,
    more: bool = False,
    left_out: int = 0,
    **chunks: int,
):
    oldest = None if seconds_left is None else {"index": 1, "secondsLeft": seconds_left}
    return {
        "open": {"chunks": chunks, "oldest": oldest, "chunksLeftOut": left_out},
        "trouble": {"recordings": [{}] * trouble, "more": more},
        "lastDay": {"safe": safe},
    }


@pytest.mark.parametrize(
    ("answer", "tone", "title"),
    [
        (summary(safe=3), "good", "No chunks are open"),
        (summary(), "good", "No chunks are open"),
        (summary(seconds_left=20 * HOUR, copying=2), "busy", "Archiving in progress"),
        (summary(safe=3, archived=100, left_out=1), "warn", "Not all chunks were checked"),
        (summary(seconds_left=20 * HOUR, pending=100, left_out=1), "busy", "Archiving in progress"),
        (summary(seconds_left=-5, pending=1), "bad", "A deadline has passed"),
        (summary(seconds_left=3 * HOUR, pending=1), "warn", "A deadline is near"),
        (summary(seconds_left=20 * HOUR, failed=1), "bad", "1 chunk failed"),
        (summary(seconds_left=20 * HOUR, failed=1, trouble=1), "bad", "1 recording needs action"),
        (summary(seconds_left=-5, trouble=10, more=True), "bad", "10 or more recordings need action"),
    ],
)
async def test_the_status_claims_no_more_than_the_summary_proves(
    stranger: Visit, answer: dict[str, Any], tone: str, title: str
):
    await stranger.to()
    call = "async (answer) => (await import('/api/dashboard/verdict.js')).verdict(answer)"
    shown = await stranger.page.evaluate(call, answer)
    assert (shown["tone"], shown["title"]) == (tone, title)


async def test_a_failed_recording_is_listed_with_its_reason_and_retried_by_a_button(
    deployment: Deployment, operator: Visit
):
    redirected = {"operation": "download", "kind": "redirect", "host": "media.example.net"}
    recording_id = await record(deployment, "overview/failed", fault=redirected)
    await deployment.settled(recording_id, frozenset({"failed"}))
    page = operator.page
    await page.get_by_role("link", name="Overview", exact=True).click()
    await expect(page.locator(".verdict .title")).to_have_text(re.compile(r"\d+ recordings? needs? action"))
    await expect(page.locator("#tile-chunks-failed")).to_contain_text(re.compile(r"[1-9]"))
    await expect(page.locator("#oldest")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="overview/failed")
    await expect(row).to_contain_text("source-not-allowed")
    await row.get_by_role("button", name="Retry").click()
    await deployment.settled(recording_id)
    await page.get_by_role("button", name="Refresh").click()
    await expect(row).to_have_count(0)


async def test_the_charts_are_described_for_screen_readers(deployment: Deployment, visit: Visit):
    await deployment.settled(await record(deployment, "charted"))
    page = visit.page
    await page.get_by_role("link", name="Overview", exact=True).click()
    for title in ("Archived, per 15 minutes", "Time to archive"):
        drawing = page.get_by_role("img", name=title)
        await expect(drawing).to_have_attribute("aria-label", re.compile(r"\d"))
        figure = page.get_by_role("figure").filter(has=drawing)
        await figure.get_by_text("Data").click()
        await expect(figure.get_by_role("table")).to_be_visible()
        assert await figure.locator("tbody tr").count() >= 10
