"""A recording's page: what is told of it, playing it, watching it come, and putting back what failed."""

import hashlib
import re
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from playwright.async_api import Locator, Route, expect

from tests.acceptance.conftest import Deployment, until
from tests.acceptance.page.conftest import Visit, record

pytestmark = pytest.mark.asyncio(loop_scope="session")

KINDS = [
    ("audio", {"format": "mp3"}),
    ("audio", {"channel": "unmixed", "format": "wav"}),
    ("video", {"content": "audioVideo", "format": "mp4"}),
]


async def clock_of(media: Locator) -> float:
    return float(await media.evaluate("media => media.currentTime"))


async def test_a_recording_is_opened_from_the_list_by_keyboard_and_shows_what_became_of_it(
    deployment: Deployment, visit: Visit
):
    recording_id = await record(deployment, "by keyboard", seconds=(40, 20), channel="unmixed", format="wav")
    view = await deployment.settled(recording_id)
    page = visit.page
    await visit.to("#/recordings?correlation=by%20keyboard")
    await page.get_by_role("link", name="by keyboard").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="by keyboard")).to_be_visible()
    await expect(page.get_by_role("heading", name="Chunks")).to_be_visible()
    for chunk in view["chunks"]:
        await expect(page.locator(f'code[title="{chunk["sha256"]}"]')).to_be_visible()
    await expect(page.locator(".timeline .chunk")).to_have_count(2)
    await expect(page.locator(".timeline .lane")).to_have_count(3)  # the chunks, and a channel for each of two
    await expect(page.locator(".legend")).to_contain_text("2 chunks over 1 min")
    await expect(page.locator(".history li")).to_contain_text(["stop by function key", "start by function key"])


@pytest.mark.parametrize(("element", "wanted"), KINDS)
async def test_every_kind_of_file_plays_and_seeks(
    deployment: Deployment, visit: Visit, element: str, wanted: dict[str, str]
):
    recording_id = await record(deployment, f"play {wanted['format']}", seconds=(60,), **wanted)
    await deployment.settled(recording_id)
    await visit.to_recording(recording_id)
    await visit.page.get_by_role("button", name="Play chunk 0", exact=True).click()
    media = visit.page.locator(element)
    await expect(media).to_be_visible()

    async def plays() -> bool:
        return await clock_of(media) > 0

    await until(plays)
    await media.evaluate("media => { media.currentTime = 45; }")

    async def plays_on() -> bool:
        return await clock_of(media) > 45 and not await media.evaluate("media => media.seeking || media.error")

    await until(plays_on)
    files = [one for one in visit.requests if urlsplit(one.url).netloc == urlsplit(deployment.where.blob_url).netloc]
    assert files, "it was played from the archive itself"
    for one in files:
        assert "x-functions-key" not in await one.all_headers()


async def test_a_link_that_has_expired_is_asked_for_anew(deployment: Deployment, visit: Visit):
    recording_id = await record(deployment, "expired", seconds=(30,))
    await deployment.settled(recording_id)
    given: list[str] = []

    async def expired_at_first(route: Route) -> None:
        response = await route.fetch()
        link = await response.json()
        if not given:
            link |= {"url": f"{link['url']}x", "expiresAt": "2020-01-01T00:00:00Z"}
        given.append(link["url"])
        await route.fulfill(response=response, json=link)

    await visit.page.route("**/content?*", expired_at_first)
    await visit.to_recording(recording_id)
    await visit.page.get_by_role("button", name="Play chunk 0", exact=True).click()

    async def plays() -> bool:
        media = visit.page.locator(f'audio[src="{given[-1]}"]') if len(given) == 2 else None
        return media is not None and await media.count() == 1 and await clock_of(media) > 0

    await until(plays)


async def test_a_file_is_saved_as_it_was_archived_and_the_history_tells_who_did(deployment: Deployment, visit: Visit):
    recording_id = await record(deployment, "saved")
    (chunk,) = (await deployment.settled(recording_id))["chunks"]
    await visit.to_recording(recording_id)
    async with visit.page.expect_download() as saving:
        await visit.page.get_by_role("button", name="Download of chunk 0").click()
    saved = await saving.value
    assert saved.suggested_filename.endswith("-0000.mp3")
    assert hashlib.sha256(Path(await saved.path()).read_bytes()).hexdigest() == chunk["sha256"]  # noqa: ASYNC240
    await visit.page.get_by_role("button", name="Refresh").click()
    await expect(visit.page.locator(".history li").first).to_contain_text("read content by function key")


async def test_a_chunk_is_watched_until_it_is_safe(deployment: Deployment, visit: Visit):
    slow = {"operation": "download", "kind": "slow", "times": 0, "bytesPerSecond": 2_500_000}  # of five blocks
    recording_id = await record(
        deployment, "watched", seconds=(625,), fault=slow, people=2, channel="unmixed", format="wav"
    )
    await visit.to_recording(recording_id)
    row = visit.page.locator("section").filter(has=visit.page.get_by_role("heading", name="Chunks")).locator("tbody tr")
    await expect(row).to_contain_text("Copying")
    await expect(row.get_by_role("progressbar")).to_have_attribute("value", re.compile("^[1-9]"))
    await expect(row).to_contain_text("Released")
    await expect(visit.page.locator("#announcer")).to_contain_text("Chunk 0: Released")
    await expect(visit.page.locator(".legend")).to_contain_text("1 chunk over 10 min")


async def test_what_failed_says_why_and_is_put_back_by_a_button(deployment: Deployment, visit: Visit):
    astray = {"operation": "download", "kind": "redirect", "host": "media.example.net"}
    recording_id = await record(deployment, "replayed", fault=astray)
    await deployment.settled(recording_id, frozenset({"failed"}))
    await visit.to_recording(recording_id)
    page = visit.page
    await expect(page.locator(".note")).to_contain_text("source-not-allowed")
    await page.get_by_role("button", name="Replay chunk 0").click()
    await expect(page.locator("td", has=page.get_by_role("button", name="Replay chunk 0"))).to_contain_text(
        "Replaying needs the app's master key"
    )
    await page.get_by_role("button", name="Forget key").click()
    await visit.enter(deployment.where.master_key)
    await page.get_by_role("button", name="Replay chunk 0").click()
    await expect(page.locator(".note")).to_have_count(0)
    await expect(page.locator("h1 + .badge")).to_have_text("Archived")
    await expect(page.locator(".history li").first).to_contain_text("replay by master key")


async def test_what_is_missing_leaves_a_gap_in_the_time_line(deployment: Deployment, visit: Visit):
    astray = {"operation": "metadata", "kind": "redirect", "host": "media.example.net", "skip": 1}
    recording_id = await record(deployment, "with a gap", seconds=(20, 20, 20), fault=astray)
    await deployment.settled(recording_id, frozenset({"released", "failed"}))
    await visit.to_recording(recording_id)
    await expect(visit.page.locator(".timeline .gap")).to_have_count(1)
    await expect(visit.page.locator(".legend")).to_contain_text(re.compile(r"2 chunks of 3 .*1 gap, chunk \d failed"))
    await expect(visit.page.locator(".timeline .chunk")).to_have_count(2)


async def test_a_file_that_somebody_removed_is_trouble_and_offers_no_player(deployment: Deployment, visit: Visit):
    recording_id = await record(deployment, "removed")
    (chunk,) = (await deployment.settled(recording_id))["chunks"]
    async with deployment.container("recordings") as archive:
        await archive.delete_blob(chunk["blobName"])
    status, _, _ = await deployment.call("GET", f"/api/recordings/{quote(recording_id, safe='')}/archive")
    assert status == 410
    await visit.to_recording(recording_id)
    page = visit.page
    await expect(page.locator(".note")).to_contain_text("Chunk 0 was removed from the archive")
    await expect(page.locator("h1 + .badge")).to_have_text("Incomplete")
    await expect(page.get_by_role("button", name="Metadata of chunk 0")).to_be_visible()
    for absent in ("Play chunk 0", "Download of chunk 0", "Replay chunk 0"):
        await expect(page.get_by_role("button", name=absent)).to_have_count(0)


async def test_an_address_that_was_cut_is_refused_in_words(visit: Visit):
    await visit.to("#/recordings/eyJjdXQiOiJ%")
    await expect(visit.page.get_by_role("alert")).to_contain_text("invalid-request")


async def test_a_recording_that_nobody_knows_is_told(visit: Visit):
    await visit.to("#/recordings/eyJub2JvZHkiOiJrbm93cyJ9")
    await expect(visit.page.get_by_role("alert")).to_contain_text("neither the ledger nor ACS knows this recordingId")
