"""One look: the verdict says what the summary says, and what is in trouble is named, with its reason and a button."""

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
    ("told", "tone", "title"),
    [
        (summary(safe=3), "good", "Everything is safe"),
        (summary(), "good", "Everything is safe"),
        (summary(seconds_left=20 * HOUR, copying=2), "busy", "All in hand"),
        (summary(safe=3, archived=100, left_out=1), "warn", "Not everything could be looked at"),
        (summary(seconds_left=20 * HOUR, pending=100, left_out=1), "busy", "All in hand"),
        (summary(seconds_left=-5, pending=1), "bad", "A deadline has passed"),
        (summary(seconds_left=3 * HOUR, pending=1), "warn", "Time is getting short"),
        (summary(seconds_left=20 * HOUR, failed=1), "bad", "1 chunk failed"),
        (summary(seconds_left=20 * HOUR, failed=1, trouble=1), "bad", "1 recording needs you"),
        (summary(seconds_left=-5, trouble=10, more=True), "bad", "10 or more recordings need you"),
    ],
)
async def test_the_verdict_is_never_better_than_what_is_known(
    stranger: Visit, told: dict[str, Any], tone: str, title: str
):
    await stranger.to()
    judge = "async (told) => (await import('/api/dashboard/verdict.js')).verdict(told)"
    judged = await stranger.page.evaluate(judge, told)
    assert (judged["tone"], judged["title"]) == (tone, title)


async def test_what_is_in_trouble_is_named_with_its_reason_and_put_back_by_a_button(
    deployment: Deployment, operator: Visit
):
    astray = {"operation": "download", "kind": "redirect", "host": "media.example.net"}
    recording_id = await record(deployment, "overview/failed", fault=astray)
    await deployment.settled(recording_id, frozenset({"failed"}))
    page = operator.page
    await page.get_by_role("link", name="Overview", exact=True).click()
    await expect(page.locator(".verdict .title")).to_have_text(re.compile(r"\d+ recordings? needs? you"))
    await expect(page.locator("#tile-chunks-failed")).to_contain_text(re.compile(r"[1-9]"))
    await expect(page.locator("#oldest")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="overview/failed")
    await expect(row).to_contain_text("source-not-allowed")
    await row.get_by_role("button", name="Replay").click()
    await deployment.settled(recording_id)
    await page.get_by_role("button", name="Refresh").click()
    await expect(row).to_have_count(0)


async def test_the_charts_can_be_read_without_seeing_them(deployment: Deployment, visit: Visit):
    await deployment.settled(await record(deployment, "charted"))
    page = visit.page
    await page.get_by_role("link", name="Overview", exact=True).click()
    for title in ("Became safe", "Time to safe"):
        drawing = page.get_by_role("img", name=title)
        await expect(drawing).to_have_attribute("aria-label", re.compile(r"\d"))
        figure = page.get_by_role("figure").filter(has=drawing)
        await figure.get_by_text("Figures").click()
        await expect(figure.get_by_role("table")).to_be_visible()
        assert await figure.locator("tbody tr").count() >= 10
