"""Finding a recording: the key, the sign-in, filters, pages, and names that contain scripts."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Route, expect

from tests.acceptance.conftest import Deployment
from tests.acceptance.page.conftest import Visit, listed, record

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_wrong_key_is_rejected_and_the_right_one_is_kept_for_the_tab_only(stranger: Visit):
    page = stranger.page
    await stranger.to("#/recordings")
    await stranger.enter("not-the-key")
    await expect(page.get_by_role("alert")).to_have_text("The app rejected this key.")
    await stranger.enter()
    await expect(page.get_by_role("heading", name="Recordings")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="Recordings")).to_be_visible()
    assert await page.evaluate("JSON.stringify([localStorage, document.cookie])") == '[{},""]'
    assert not [one.url for one in stranger.requests if stranger.key in one.url]
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Function key")).to_be_visible()
    assert await page.evaluate("sessionStorage.length") == 0


async def test_if_the_app_has_a_sign_in_the_page_links_to_it_and_asks_for_no_key(stranger: Visit):
    challenge = {"www-authenticate": "Bearer"}  # as the platform's sign-in answers, which the local stack doesn't have
    await stranger.page.route("**/api/summary", lambda route: route.fulfill(status=401, headers=challenge))
    await stranger.to()
    sign_in = stranger.page.get_by_role("link", name="Sign in with Microsoft Entra")
    await expect(sign_in).to_have_attribute("href", "/.auth/login/aad?post_login_redirect_uri=%2Fapi%2Fdashboard")
    await expect(stranger.page.get_by_label("Function key")).to_have_count(0)


async def test_the_sign_in_url_contains_no_filter_and_the_view_is_restored_afterwards(stranger: Visit):
    """Sign-in servers log URLs, and a filter can be a telephone number."""
    page, requested = stranger.page, list[str]()

    async def signed_in(route: Route) -> None:
        requested.append(route.request.url)
        await route.fulfill(status=302, headers={"location": "/api/dashboard"})

    challenge = {"www-authenticate": "Bearer"}  # as the platform's sign-in answers, which the local stack doesn't have
    await page.route("**/api/recordings?*", lambda route: route.fulfill(status=401, headers=challenge))
    await page.route("**/.auth/login/aad**", signed_in)
    await stranger.to("#/recordings?correlation=%2B15550100&callId=7a1b")
    await page.get_by_role("link", name="Sign in with Microsoft Entra").click()
    await page.wait_for_url("**/api/dashboard#/recordings?correlation=%2B15550100&callId=7a1b")
    await expect(page.get_by_role("link", name="Sign in with Microsoft Entra")).to_be_visible()
    assert [urlsplit(one).query for one in requested] == ["post_login_redirect_uri=%2Fapi%2Fdashboard"]
    assert not [one for one in stranger.requests if "15550100" in (one.headers.get("referer") or "")]
    assert await page.evaluate("sessionStorage.length") == 0


async def test_filters_find_a_recording_and_a_link_finds_it_again(deployment: Deployment, visit: Visit):
    for number in range(3):
        await record(deployment, f"find/{number}")
    await listed(deployment, "find/1")
    page, rows = visit.page, visit.page.locator("#recordings tbody tr")
    await page.get_by_label("Find", exact=True).fill("find/1")
    await page.get_by_role("button", name="Find").click()
    await expect(rows).to_have_count(1)
    await expect(rows.get_by_role("link")).to_have_text("find/1")
    assert page.url.endswith("#/recordings?correlation=find%2F1")
    await page.reload()
    await expect(rows).to_have_count(1)
    await page.get_by_label("State").select_option("Overdue")
    await expect(page.locator("#recordings")).to_contain_text("No recordings match these filters.")
    await page.get_by_role("link", name="Clear").click()
    await expect(page.get_by_role("link", name="find/2")).to_be_visible()


async def test_a_participant_is_found_and_never_part_of_a_url(deployment: Deployment, visit: Visit):
    person = "8:acs:5f1c6c14-0f9a-4c58-b2f1-1c4f6a8c9d27_00000000-face-4711"
    recording_id = await record(
        deployment, "of a person", people=[{"id": person}, {"name": "B"}], channel="unmixed", format="wav"
    )
    await deployment.settled(recording_id)
    page = visit.page
    await page.get_by_label("Find by").select_option("Participant ID")
    await page.get_by_label("Find", exact=True).fill(person)
    async with page.expect_request(lambda request: "x-participant-id" in request.headers) as request:
        await page.get_by_role("button", name="Find").click()
    assert (await request.value).headers["x-participant-id"] == person
    assert page.url.endswith("#/recordings")
    assert not [one.url for one in visit.requests if "face-4711" in one.url]


async def test_a_search_by_participant_says_how_many_recordings_it_cannot_find_yet(visit: Visit):
    found = {"recordings": 3, "byState": {"active": 1, "archiving": 2}, "complete": True}
    page = visit.page
    await page.route(
        "**/api/recordings*",
        lambda route: route.fulfill(json={"recordings": [], "nextCursor": None, "notIndexed": found}),
    )
    await page.get_by_label("Find by").select_option("Participant ID")
    await expect(page.get_by_label("Find", exact=True)).to_have_attribute("placeholder", re.compile(r"\+49 151"))
    await page.get_by_label("Find", exact=True).fill("+49 151 23456789")
    await page.get_by_role("button", name="Find").click()
    await expect(page.locator("#unindexed")).to_contain_text("3 recordings can't be found by participant yet")
    await expect(page.locator("#unindexed")).to_contain_text("1 active, 2 archiving")


async def test_an_invalid_filter_is_explained(visit: Visit):
    await visit.page.get_by_label("From (UTC)").fill("2026-11-22")
    await visit.page.get_by_label("To (UTC)").fill("2026-11-21")
    await visit.page.get_by_label("To (UTC)").dispatch_event("change")
    await expect(visit.page.get_by_role("alert")).to_contain_text("from: must not be after to")


async def test_pages_lead_to_older_recordings_and_back_to_newer_ones(deployment: Deployment, visit: Visit):
    for number in range(3):
        await record(deployment, f"pages/{number}")
    await visit.page.route("**/api/recordings?*", lambda route: route.continue_(url=f"{route.request.url}&limit=2"))
    await visit.page.route("**/api/recordings", lambda route: route.continue_(url=f"{route.request.url}?limit=2"))
    await visit.page.get_by_role("button", name="Refresh").click()
    rows = visit.page.locator("#recordings tbody tr")
    await expect(rows).to_have_count(2)
    newest = await rows.first.get_by_role("link").text_content()
    await visit.page.get_by_role("button", name="Older").click()
    await expect(rows.first.get_by_role("link")).not_to_have_text(str(newest))
    await visit.page.get_by_role("button", name="Newer").click()
    await expect(rows.first.get_by_role("link")).to_have_text(str(newest))


async def test_back_returns_to_the_page_of_the_list_that_was_left(deployment: Deployment, visit: Visit):
    for number in range(3):
        await record(deployment, f"back/{number}")
    page, rows = visit.page, visit.page.locator("#recordings tbody tr")
    await page.route("**/api/recordings?*", lambda route: route.continue_(url=f"{route.request.url}&limit=2"))
    await page.route("**/api/recordings", lambda route: route.continue_(url=f"{route.request.url}?limit=2"))
    await page.get_by_role("button", name="Refresh").click()
    await expect(rows).to_have_count(2)
    newest = str(await rows.first.get_by_role("link").text_content())
    await page.get_by_role("button", name="Older").click()
    await expect(rows.first.get_by_role("link")).not_to_have_text(newest)
    name = str(await rows.first.get_by_role("link").text_content())
    assert "cursor=" in page.url
    await rows.first.get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)
    await page.go_back()
    await expect(rows.first.get_by_role("link")).to_have_text(name)
    await page.go_back()
    await expect(rows.first.get_by_role("link")).to_have_text(newest)


async def test_a_list_is_sorted_by_size_and_by_time_left_over_all_of_its_pages(visit: Visit):
    def row(name: str, size: int, deadline: str | None) -> dict[str, Any]:
        return {
            "recordingId": name, "recordingKey": name, "correlation": name, "state": "archived", "size": size,
            "listedAt": "2026-11-28T10:00:00Z", "durationMs": None, "chunks": {}, "deadline": deadline, "trouble": [],
        }  # fmt: skip

    first = [row("small", 1, "2026-11-29T10:00:00Z"), row("none", 2, None)]
    second = [row("large", 3, "2026-11-28T12:00:00Z")]

    async def answer(route: Route) -> None:
        later = "cursor=next" in route.request.url
        await route.fulfill(
            json={"recordings": second if later else first, "nextCursor": None if later else "next"},
        )

    page = visit.page
    await page.route("**/api/recordings?*", answer)
    names = page.locator("#recordings tbody th")
    await page.get_by_label("Sort by").select_option("Size")
    await expect(names).to_have_text(["large", "none", "small"])
    await page.get_by_label("Sort by").select_option("Time left")
    await expect(names).to_have_text(["large", "small", "none"])
    await expect(page.locator("thead th")).to_have_text(
        ["Recording", "State", "Started (UTC)", "Size", "Time left or problem"]
    )
    assert page.url.endswith("#/recordings?sort=left")


async def test_a_recording_without_a_correlation_is_named_by_its_start(deployment: Deployment, visit: Visit):
    recording_id = await record(deployment, None, people=3, channel="unmixed", format="wav")
    await deployment.settled(recording_id)
    page = visit.page
    await visit.to("#/recordings")
    await page.get_by_role("link", name="Recording of ").first.click()
    await visit.to_recording(recording_id)
    name = re.compile(r"^Recording of \d+ \w+, \d\d:\d\d, 3 participants$")
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)
    await expect(page).to_have_title(re.compile(r"participants · 127\.0\.0\.1:\d+ · Callvault"))


async def test_days_are_those_of_the_times_that_are_shown(deployment: Deployment, browser: Browser):
    """At the end of a day in Kiritimati, it is still the day before in UTC."""
    context = await browser.new_context(locale="en-GB", timezone_id="Pacific/Kiritimati")
    page = await context.new_page()
    await page.goto(f"{deployment.where.functions}/api/dashboard")
    call = """async ({day, times}) => {
      const {isWithin, utcDays} = await import('/api/dashboard/days.js');
      return [utcDays({from: day, to: day}), times.map((time) => isWithin(time, {from: day, to: day}))];
    }"""
    times = ["2026-11-27T09:59:59Z", "2026-11-27T10:00:00Z", "2026-11-28T09:59:59Z", "2026-11-28T10:00:00Z"]
    days, within = await page.evaluate(call, {"day": "2026-11-28", "times": times})
    assert days == {"from": "2026-11-27", "to": "2026-11-28"}
    assert within == [False, True, True, False]
    await context.close()


async def test_keys_find_move_and_refresh(deployment: Deployment, visit: Visit):
    for number in range(2):
        await record(deployment, f"keys/{number}")
    page = visit.page
    await visit.to("#/recordings")
    links = page.locator("#recordings tbody th a")
    await expect(links.nth(1)).to_be_visible()
    for key, number in (("j", 0), ("j", 1), ("k", 0)):
        await page.keyboard.press(key)
        await expect(links.nth(number)).to_be_focused()
    async with page.expect_request("**/api/recordings*"):
        await page.keyboard.press("r")
    await page.keyboard.press("/")
    await page.keyboard.type("j/r")
    await expect(page.get_by_label("Find", exact=True)).to_have_value("j/r")
    await page.get_by_role("link", name="Overview", exact=True).click()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("Find a recording")
    await page.keyboard.press("Escape")
    await page.keyboard.press("/")
    await expect(page.get_by_label("Find", exact=True)).to_be_focused()


async def test_saved_views_are_links_and_show_which_one_is_open(visit: Visit):
    page = visit.page
    views = page.get_by_role("navigation", name="Saved views")
    for name, filters in (("Today", "from="), ("Last seven days", "from="), ("Needs attention", "attention=true")):
        await views.get_by_role("link", name=name).click()
        await expect(views.get_by_role("link", name=name)).to_have_attribute("aria-current", "page")
        assert filters in page.url
    await expect(page.get_by_label("Only needing attention")).to_be_checked()


async def test_the_first_empty_list_says_what_to_do_first(visit: Visit):
    page = visit.page
    await page.route("**/api/recordings", lambda route: route.fulfill(json={"recordings": [], "nextCursor": None}))
    await visit.to("#/recordings")
    await expect(page.locator(".empty")).to_contain_text("No recordings yet.")
    await expect(page.locator(".empty")).to_contain_text("To record a call, send POST /api/recordings")


async def test_names_that_are_scripts_stay_text(deployment: Deployment, visit: Visit):
    name = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    recording_id = await record(
        deployment, name, people=[{"id": f"8:acs:{name}"}, {"id": 'b"><b onclick="x"'}], channel="unmixed", format="wav"
    )
    await deployment.settled(recording_id)
    page = visit.page
    await visit.to("#/recordings")
    await page.get_by_role("link", name=name).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)
    await expect(page.locator("dd").filter(has_text=f"8:acs:{name}")).to_be_visible()
    assert await page.locator("main script, main img[src=x], main b").count() == 0
