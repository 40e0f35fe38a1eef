"""A recording's details: ids to copy, consent, and files that no longer exist."""

import re
from urllib.parse import quote

import pytest
from playwright.async_api import Route, expect

from tests.acceptance.conftest import Deployment
from tests.acceptance.page.conftest import Visit, record

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_id_is_copied_by_a_button_that_says_so(deployment: Deployment, visit: Visit):
    recording_id = await record(deployment, "copied")
    page = visit.page
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await visit.to_recording(recording_id)
    await page.get_by_role("button", name="Copy recording ID").click()
    await expect(page.locator("#toasts")).to_contain_text("Copied the recording ID.")
    assert await page.evaluate("navigator.clipboard.readText()") == recording_id


async def test_consent_and_labels_are_shown_and_its_absence_is_said(deployment: Deployment, visit: Visit):
    consent = {"basis": "consent", "reference": "form 12", "obtainedAt": "2026-11-28T10:00:00Z"}
    with_consent = await record(deployment, None, consent=consent, labels={"case": "4711"})
    without = await record(deployment, "without consent")
    page = visit.page
    card = page.locator("section").filter(has=page.get_by_role("heading", name="Consent"))
    await visit.to_recording(with_consent)
    await expect(card).to_contain_text("form 12")
    await expect(card).to_contain_text("28 Nov 2026, 10:00:00 UTC")
    await expect(page.get_by_role("heading", level=1)).to_have_text("case: 4711")
    await visit.to_recording(without)
    await expect(card).to_contain_text("The start of this recording stated no consent.")


async def test_a_file_that_the_lifecycle_rule_deleted_shows_as_expired_and_cannot_be_played(
    deployment: Deployment, visit: Visit
):
    recording_id = await record(deployment, "expired by the rule")
    await deployment.settled(recording_id)
    gone = {"state": "expired", "missing": "both", "expiredAt": "2026-11-28T10:00:00Z"}

    async def expired(route: Route) -> None:
        response = await route.fetch()
        body = await response.json()
        body["chunks"] = [one | gone for one in body["chunks"]]
        await route.fulfill(response=response, json=body | {"state": "expired"})

    page = visit.page
    await page.route(re.compile(rf"/api/recordings/{re.escape(quote(recording_id, safe=''))}$"), expired)
    await visit.to_recording(recording_id)
    await expect(page.locator("h1 + .badge")).to_have_text("Expired")
    await expect(page.get_by_role("row").filter(has_text="Expired")).to_contain_text("deleted by the lifecycle rule")
    await expect(page.get_by_role("button", name=re.compile("Play|Download|Metadata"))).to_have_count(0)
    await expect(page.locator(".badge.good, .timeline .chunk.good")).to_have_count(0)


async def test_a_failed_chunk_leads_to_its_runbook(deployment: Deployment, visit: Visit):
    redirected = {"operation": "download", "kind": "redirect", "host": "media.example.net"}
    recording_id = await record(deployment, "with a runbook", fault=redirected)
    await deployment.settled(recording_id, frozenset({"failed"}))
    await visit.to_recording(recording_id)
    await visit.page.get_by_role("link", name="Runbook: chunk-failed").click()
    await expect(visit.page.locator(".runbook li").first).to_contain_text("source-not-allowed")
