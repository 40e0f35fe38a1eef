"""The overview: its status follows the summary, and it lists failed recordings with a reason and a Retry button."""

import re
from functools import partial
from typing import Any

import pytest
from playwright.async_api import expect

from tests.acceptance.conftest import Deployment, until
from tests.acceptance.page.conftest import Visit, quarantine_an_event, record

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOUR = 3600
CHECKS = [("acs", "danger"), ("deadline", "danger"), ("quarantine", "warning"), ("dead-letters", "warning")]
THROTTLED = "5 chunks can't be copied: ACS throttles the app"


def summary(
    *,
    seconds_left: float | None = None,
    safe: int = 0,
    trouble: int = 0,
    more: bool = False,
    left_out: int = 0,
    waiting: tuple[tuple[int, str], ...] = (),
    failing: tuple[str, ...] = (),
    reason: str = "why",
    **chunks: int,
) -> dict[str, Any]:
    oldest = None if seconds_left is None else {"index": 1, "secondsLeft": seconds_left}
    return {
        "open": {
            "chunks": chunks,
            "oldest": oldest,
            "chunksLeftOut": left_out,
            "waiting": [{"chunks": number, "reason": reason, "detail": None} for number, reason in waiting],
        },
        "checks": [
            {"name": name, "ok": name not in failing, "severity": severity, "reason": reason, "detail": "How to fix it"}
            for name, severity in CHECKS
        ],
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
        (summary(failing=("acs",), safe=3), "bad", "ACS can't be reached"),
        (summary(failing=("acs",), reason="acs-credential-refused"), "bad", "ACS refuses the credential"),
        (summary(failing=("acs", "quarantine"), safe=3), "bad", "ACS can't be reached"),
        (summary(failing=("quarantine",), safe=3), "warn", "Events are in the quarantine"),
        (summary(failing=("quarantine", "dead-letters")), "warn", "2 checks need attention"),
        (summary(failing=("deadline",), seconds_left=3 * HOUR, pending=1), "warn", "A deadline is near"),
        (summary(failing=("deadline",), left_out=9), "bad", "A deadline is near"),
        (summary(seconds_left=20 * HOUR, waiting=((5, "acs-throttled"),), pending=5), "warn", THROTTLED),
        (
            summary(seconds_left=20 * HOUR, waiting=((5, "acs-throttled"), (1, "new-reason")), pending=6),
            "warn",
            "6 chunks can't be copied",
        ),
        (summary(seconds_left=3 * HOUR, waiting=((5, "acs-throttled"),), pending=5), "warn", "A deadline is near"),
        (summary(seconds_left=-5, waiting=((5, "acs-throttled"),), pending=5), "bad", "A deadline has passed"),
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
    await expect(page.locator("#oldest")).to_have_text(re.compile(r"Chunk \d of \S"))
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
    for title in ("Archived per 15 minutes", "Time to archive"):
        drawing = page.get_by_role("img", name=title)
        await expect(drawing).to_have_attribute("aria-label", re.compile(r"\d"))
        figure = page.get_by_role("figure").filter(has=drawing)
        await figure.get_by_text("Data").click()
        await expect(figure.get_by_role("table")).to_be_visible()
        assert await figure.locator("tbody tr").count() >= 10


async def test_a_quarantined_event_is_no_all_clear_and_leads_to_its_runbook(deployment: Deployment, visit: Visit):
    await quarantine_an_event(deployment)
    page = visit.page
    await page.get_by_role("link", name="Overview", exact=True).click()
    finding = page.locator("#runbook-quarantine")  # the checks are cached for half a minute
    await expect(finding).to_be_visible()
    await expect(page.locator(".verdict .title")).not_to_have_text(re.compile("No chunks are open|in progress"))
    row = page.get_by_role("listitem").filter(has=finding)
    await expect(row).to_contain_text("items-quarantined")
    await expect(row).to_contain_text("could not be processed")
    await expect(row.get_by_role("link", name="Show the quarantine")).to_have_attribute("href", "#/quarantine")
    await finding.click()
    await expect(page.get_by_role("heading", name="Runbook: event-quarantined")).to_be_visible()
    await expect(page.locator(".runbook li").first).to_contain_text("Read the reason")


async def test_chunks_that_wait_after_a_failure_are_shown_with_the_reason_and_all_are_retried(
    deployment: Deployment, operator: Visit
):
    throttled = {"operation": "download", "kind": "throttle", "retryAfter": 600}  # once, and not again for ten minutes
    recording_ids = [await record(deployment, f"waiting/{number}", fault=throttled) for number in range(2)]

    async def waits(recording_id: str) -> dict[str, Any] | None:
        view = await deployment.recording(recording_id)
        return view if view["chunks"] and view["chunks"][0]["nextAttemptAt"] else None

    for recording_id in recording_ids:
        await until(partial(waits, recording_id))
    page = operator.page
    await operator.to_recording(recording_ids[0])
    await expect(page.get_by_role("button", name="Retry now chunk 0")).to_be_visible()
    await page.get_by_role("link", name="Overview", exact=True).click()
    group = page.get_by_role("listitem").filter(has_text="ACS throttles the app")
    await expect(group).to_contain_text(re.compile(r"[2-9] chunks can't be copied"))
    await group.get_by_role("button", name="Retry all").click()
    for recording_id in recording_ids:
        await deployment.settled(recording_id)
    await page.get_by_role("button", name="Refresh").click()
    await expect(group).to_have_count(0)
