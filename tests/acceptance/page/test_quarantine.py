"""The quarantine's view: what couldn't be processed and why, the runbook of each entry, and retrying an event."""

import re
from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.acceptance.conftest import Deployment
from tests.acceptance.page.conftest import Visit, quarantine_an_event

pytestmark = pytest.mark.asyncio(loop_scope="session")

ENTRY = {
    "name": "0a1b.json", "quarantineId": "0a1b", "kind": "event", "reason": "data: contains no chunk", "by": None,
    "receivedAt": "2026-11-28T10:00:00Z", "eventId": "e1", "eventType": None, "size": 300, "replayedAt": None,
}  # fmt: skip


def page_of(*entries: dict[str, Any], cursor: str | None = None) -> dict[str, Any]:
    waiting = sum(one["replayedAt"] is None for one in entries)
    return {
        "entries": entries, "total": len(entries), "notReplayed": waiting, "complete": True, "nextCursor": cursor,
    }  # fmt: skip


async def test_an_entry_says_why_and_leads_to_its_runbook_and_a_retry_says_what_is_still_wrong(
    deployment: Deployment, operator: Visit
):
    await quarantine_an_event(deployment)
    page = operator.page
    await page.get_by_role("link", name="Quarantine", exact=True).click()
    row = page.get_by_role("row").filter(has_text="ID unreadable")
    await expect(row).to_contain_text("contains no chunk")
    await expect(row).to_contain_text("submitted by master key")
    await expect(row.locator("code")).to_have_text(re.compile(r"^[0-9a-f]{32}\.json$"))
    await expect(page.locator("thead th").first).to_have_text("Received (UTC)")
    await row.get_by_role("button", name="Retry").click()
    await expect(page.locator("#toasts")).to_contain_text("Retry failed: the event still can't be parsed")
    await row.get_by_role("link", name="Runbook").click()
    await expect(page.get_by_role("heading", name="Runbook: event-quarantined")).to_be_visible()


async def test_a_retried_event_is_marked_and_cannot_be_retried_by_mistake(visit: Visit):
    answers = [page_of(ENTRY), page_of(ENTRY | {"replayedAt": "2026-11-28T11:00:00Z"})]
    outcome = {"events": [{"id": "e1", "outcome": "queued", "reason": None}]}
    page = visit.page
    await page.route("**/api/quarantine", lambda route: route.fulfill(json=answers[0]))
    await page.route("**/api/quarantine/0a1b/replay", lambda route: route.fulfill(status=202, json=outcome))
    await visit.to("#/quarantine")
    await expect(page.locator("#found")).to_have_text("1 entry, 1 not retried, newest first")
    retry = page.get_by_role("button", name="Retry the event 0a1b")
    await expect(retry).to_be_visible()
    answers.pop(0)
    await retry.click()
    await expect(page.locator("#toasts")).to_contain_text("The event's chunks are queued.")
    await expect(page.locator("#quarantine .badge")).to_have_text("Retried 28 Nov, 11:00")
    await expect(retry).to_have_count(0)


async def test_only_events_can_be_retried_and_a_poison_message_has_its_own_runbook(visit: Visit):
    message = ENTRY | {"kind": "job", "name": "jobs/1.json", "quarantineId": None}
    page = visit.page
    await page.route("**/api/quarantine*", lambda route: route.fulfill(json=page_of(message)))
    await visit.to("#/quarantine?kind=job")
    await expect(page.get_by_role("link", name="Runbook")).to_have_attribute("href", "#/runbooks/poison-messages")
    await expect(page.locator("#quarantine").get_by_role("button", name="Retry")).to_have_count(0)
    await expect(page.get_by_role("link", name="Messages")).to_have_attribute("aria-current", "page")


async def test_older_entries_are_on_the_next_page_and_back_returns(visit: Visit):
    async def answer(route: Route) -> None:
        later = "cursor=next" in route.request.url
        entry = ENTRY | {"eventId": "older" if later else "newer"}
        await route.fulfill(json=page_of(entry, cursor=None if later else "next"))

    page = visit.page
    await page.route("**/api/quarantine*", answer)
    await visit.to("#/quarantine")
    await expect(page.locator("#quarantine")).to_contain_text("ID newer")
    await page.get_by_role("link", name="Older").click()
    await expect(page.locator("#quarantine")).to_contain_text("ID older")
    await expect(page.get_by_role("link", name="Older")).to_have_count(0)
    await page.go_back()
    await expect(page.locator("#quarantine")).to_contain_text("ID newer")


async def test_an_empty_quarantine_says_so_and_what_would_be_in_it(visit: Visit):
    await visit.page.route("**/api/quarantine", lambda route: route.fulfill(json=page_of()))
    await visit.to("#/quarantine")
    await expect(visit.page.locator(".empty")).to_contain_text("Nothing is in the quarantine.")


async def test_a_view_that_cannot_be_loaded_says_so_and_does_not_go_on_loading(visit: Visit):
    await visit.page.route("**/api/quarantine", lambda route: route.abort())
    await visit.to("#/quarantine")
    await expect(visit.page.get_by_role("alert")).to_contain_text("Can't reach the app. The page will try again")
    await expect(visit.page.locator(".loading")).to_have_text("Not loaded.")
