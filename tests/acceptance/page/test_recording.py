"""A recording's page: details, player, copy progress, and retrying failed chunks."""

import hashlib
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.storage.blob import CorsRule
from azure.storage.blob.aio import BlobServiceClient
from playwright.async_api import Locator, Route, expect

from tests.acceptance.conftest import Deployment, until
from tests.acceptance.page.conftest import Visit, record

pytestmark = pytest.mark.asyncio(loop_scope="session")

KINDS = [
    ("audio", {"format": "mp3"}),
    ("audio", {"channel": "unmixed", "format": "wav"}),
    ("video", {"content": "audioVideo", "format": "mp4"}),
]


async def position_of(media: Locator) -> float:
    return float(await media.evaluate("media => media.currentTime"))


async def test_a_recording_is_opened_from_the_list_by_keyboard_and_shows_its_files_and_history(
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
    await expect(page.locator(".timeline .lane")).to_have_count(3)  # the chunks, and two channels
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
        return await position_of(media) > 0

    await until(plays)
    await media.evaluate("media => { media.currentTime = 45; }")

    async def plays_on() -> bool:
        return await position_of(media) > 45 and not await media.evaluate("media => media.seeking || media.error")

    await until(plays_on)
    files = [one for one in visit.requests if urlsplit(one.url).netloc == urlsplit(deployment.where.blob_url).netloc]
    assert files, "the browser must read the file from the archive"
    for one in files:
        assert "x-functions-key" not in await one.all_headers()


async def test_an_expired_link_is_requested_again(deployment: Deployment, visit: Visit):
    recording_id = await record(deployment, "expired", seconds=(30,))
    await deployment.settled(recording_id)
    links: list[str] = []

    async def expired_at_first(route: Route) -> None:
        response = await route.fetch()
        link = await response.json()
        if not links:
            link |= {"url": f"{link['url']}x", "expiresAt": "2020-01-01T00:00:00Z"}
        links.append(link["url"])
        await route.fulfill(response=response, json=link)

    await visit.page.route("**/content?*", expired_at_first)
    await visit.to_recording(recording_id)
    await visit.page.get_by_role("button", name="Play chunk 0", exact=True).click()

    async def plays() -> bool:
        media = visit.page.locator(f'audio[src="{links[-1]}"]') if len(links) == 2 else None
        return media is not None and await media.count() == 1 and await position_of(media) > 0

    await until(plays)


async def test_a_download_is_the_archived_file_and_the_history_names_the_caller(deployment: Deployment, visit: Visit):
    recording_id = await record(deployment, "saved")
    (chunk,) = (await deployment.settled(recording_id))["chunks"]
    await visit.to_recording(recording_id)
    async with visit.page.expect_download() as saving:
        await visit.page.get_by_role("button", name="Download of chunk 0").click()
    saved = await saving.value
    assert re.search(r"-saved-0000-mixed-[0-9a-f]{8}\.mp3$", saved.suggested_filename)
    assert hashlib.sha256(Path(await saved.path()).read_bytes()).hexdigest() == chunk["sha256"]  # noqa: ASYNC240
    await visit.page.get_by_role("button", name="Refresh").click()
    await expect(visit.page.locator(".history li").first).to_contain_text("read content by function key")


async def test_the_progress_of_a_copy_is_shown_until_the_chunk_is_released(deployment: Deployment, visit: Visit):
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


async def test_a_failed_chunk_shows_its_reason_and_is_retried_by_a_button(deployment: Deployment, visit: Visit):
    redirected = {"operation": "download", "kind": "redirect", "host": "media.example.net"}
    recording_id = await record(deployment, "replayed", fault=redirected)
    await deployment.settled(recording_id, frozenset({"failed"}))
    await visit.to_recording(recording_id)
    page = visit.page
    await expect(page.locator(".note")).to_contain_text("source-not-allowed")
    await page.get_by_role("button", name="Retry chunk 0").click()
    await expect(page.locator("#toasts")).to_contain_text("Retry failed: This requires the master key.")
    await page.get_by_role("button", name="Sign out").click()
    await visit.enter(deployment.where.master_key)
    await page.get_by_role("button", name="Retry chunk 0").click()
    await expect(page.locator(".note")).to_have_count(0)
    await expect(page.locator("h1 + .badge")).to_have_text("Archived")
    await expect(page.locator(".history li").first).to_contain_text("replay by master key")


async def test_the_player_continues_with_the_next_chunk_and_obeys_keys(deployment: Deployment, visit: Visit):
    recording_id = await record(deployment, "continued", seconds=(2, 30))
    await deployment.settled(recording_id)
    await visit.to_recording(recording_id)
    page = visit.page
    await page.get_by_role("button", name="Play chunk 0", exact=True).click()
    await page.get_by_label("Speed").select_option("2")
    await expect(page.get_by_role("heading", name="Chunk 1", exact=True)).to_be_visible()
    await expect(page.locator(".player")).to_contain_text("2 of 2")
    audio = page.locator("audio")

    async def plays() -> bool:
        return await position_of(audio) > 0

    await until(plays)
    assert await audio.evaluate("media => media.playbackRate") == 2
    await page.locator("main").focus()
    await page.keyboard.press("Space")
    await expect(audio).to_have_js_property("paused", True)
    before = await position_of(audio)
    await page.keyboard.press("ArrowRight")
    assert await position_of(audio) == pytest.approx(before + 5, abs=0.1)


async def test_a_single_channel_is_heard_if_the_archive_lets_the_page_read_the_sound(
    deployment: Deployment, visit: Visit
):
    recording_id = await record(deployment, "one channel", seconds=(20,), channel="unmixed", format="wav")
    await deployment.settled(recording_id)
    await visit.to_recording(recording_id)
    page = visit.page
    await page.evaluate("""() => {
      const connect = AudioNode.prototype.connect;
      window.heard = [];
      AudioNode.prototype.connect = function (...given) {
        window.heard.push(given[1]);
        return connect.apply(this, given);
      };
    }""")
    await page.get_by_role("button", name="Play chunk 0", exact=True).click()
    await page.get_by_label("Channel").select_option("Channel 1")
    await expect(page.locator(".player")).to_contain_text("Add a CORS rule")
    await expect(page.get_by_label("Channel")).to_have_value("all")
    visit.errors.clear()  # the browser reports the refused request
    rule = CorsRule(["*"], ["GET"], allowed_headers=["*"], exposed_headers=["*"], max_age_in_seconds=0)
    async with BlobServiceClient.from_connection_string(deployment.where.storage_connection_string) as blobs:
        await blobs.set_service_properties(cors=[rule])
        try:
            await page.get_by_label("Channel").select_option("Channel 1")

            async def plays() -> bool:
                return await position_of(page.locator("audio[crossorigin]")) > 0

            await until(plays)
            assert await page.evaluate("window.heard.at(-1)") == 1
        finally:
            await blobs.set_service_properties(cors=[])


async def test_a_failed_chunk_leaves_a_gap_in_the_timeline(deployment: Deployment, visit: Visit):
    redirected = {"operation": "metadata", "kind": "redirect", "host": "media.example.net", "skip": 1}
    recording_id = await record(deployment, "with a gap", seconds=(20, 20, 20), fault=redirected)
    await deployment.settled(recording_id, frozenset({"released", "failed"}))
    await visit.to_recording(recording_id)
    await expect(visit.page.locator(".timeline .gap")).to_have_count(1)
    await expect(visit.page.locator(".legend")).to_contain_text(re.compile(r"2 chunks of 3 .*1 gap, chunk \d failed"))
    await expect(visit.page.locator(".timeline .chunk")).to_have_count(2)


START = "2026-11-28T10:00:00Z"
MINUTE = 60_000


def gap_input(known: list[int], *, started_at: str | None, **chunk: Any) -> dict[str, Any]:
    """Arguments of gapsOf for three chunks of a minute, of which the times of the `known` ones are known."""
    times = [
        {"documentId": f"{n}", "index": n, "startedAt": f"2026-11-28T10:0{n}:00Z", "durationMs": MINUTE} | chunk
        for n in known
    ]
    missing = [{"index": n} for n in range(3) if n not in known]
    return {"times": times, "view": {"startedAt": started_at, "durationMs": 3 * MINUTE}, "missing": missing}


@pytest.mark.parametrize("started_at", [START, "2026-11-28T10:02:30Z", None])
@pytest.mark.parametrize(
    ("known", "gaps"),
    [([0, 1, 2], []), ([1, 2], [(0, 1)]), ([0, 2], [(1, 2)]), ([0, 1], [(2, 3)]), ([0], [(1, 3)]), ([2], [(0, 2)])],
)
async def test_gaps_do_not_depend_on_the_time_at_which_acs_says_that_it_started(
    stranger: Visit, known: list[int], gaps: list[tuple[int, int]], started_at: str | None
):
    """The event of some recordings has no start time; the start in ACS's notification is another clock's."""
    assert await gaps_in_minutes(stranger, gap_input(known, started_at=started_at)) == gaps


async def test_with_chunks_missing_at_both_ends_the_start_divides_the_time_between_them(stranger: Visit):
    assert await gaps_in_minutes(stranger, gap_input([1], started_at=START)) == [(0, 1), (2, 3)]


async def test_a_pause_is_no_gap(stranger: Visit):
    pause = {"startedAt": "2026-11-28T10:00:10Z", "durationMs": MINUTE}
    shown = gap_input([0], started_at=START, pauses=[pause])
    assert await gaps_in_minutes(stranger, shown | {"missing": [], "view": {"durationMs": MINUTE}}) == []
    assert await gaps_in_minutes(stranger, shown) == [(2, 4)]


async def gaps_in_minutes(visit: Visit, arguments: dict[str, Any]) -> list[tuple[float, float]]:
    """The gaps that the page computes, in minutes after START."""
    await visit.to()
    call = """async ({times, view, missing, start}) => {
      const {gapsOf, intervalsOf} = await import('/api/dashboard/intervals.js');
      const minutes = (moment) => (moment - Date.parse(start)) / 60000;
      return gapsOf(intervalsOf(times), view, missing).map((gap) => [minutes(gap.from), minutes(gap.to)]);
    }"""
    return [tuple(gap) for gap in await visit.page.evaluate(call, arguments | {"start": START})]


async def test_a_file_that_someone_removed_is_reported_cannot_be_played_and_is_acknowledged(
    deployment: Deployment, operator: Visit
):
    recording_id = await record(deployment, "removed/acknowledged")
    (chunk,) = (await deployment.settled(recording_id))["chunks"]
    async with deployment.container("recordings") as archive:
        await archive.delete_blob(chunk["blobName"])
    await operator.to_recording(recording_id)
    page = operator.page
    await expect(page.locator(".note")).to_contain_text("Chunk 0 was removed from the archive")
    await expect(page.locator("h1 + .badge")).to_have_text("Incomplete")
    await expect(page.get_by_role("button", name="Metadata of chunk 0")).to_be_visible()
    for absent in ("Play chunk 0", "Download of chunk 0", "Retry chunk 0"):
        await expect(page.get_by_role("button", name=absent)).to_have_count(0)
    await expect(page.locator(".badge.good, .timeline .chunk.good")).to_have_count(0)
    await page.get_by_role("button", name="Acknowledge chunk 0").click()
    await page.get_by_label("Your name").fill("Ada")
    await page.get_by_label("Note").fill("Removed at the customer's request.")
    await page.get_by_role("button", name="Acknowledge", exact=True).click()
    await expect(page.locator("#toasts")).to_have_text("Chunk 0 is acknowledged.Close")
    await expect(page.locator(".note")).to_contain_text("Acknowledged by Ada")
    await expect(page.locator(".history li").first).to_contain_text("Ada: Removed at the customer's request.")
    await page.get_by_role("link", name="Overview", exact=True).click()
    await expect(page.locator(".verdict .title")).to_be_visible()
    await expect(page.get_by_role("row").filter(has_text="removed/acknowledged")).to_have_count(0)


async def test_a_truncated_address_shows_an_error(visit: Visit):
    await visit.to("#/recordings/eyJjdXQiOiJ%")
    await expect(visit.page.get_by_role("alert")).to_contain_text("invalid-request")


async def test_an_unknown_recording_shows_an_error(visit: Visit):
    await visit.to("#/recordings/eyJub2JvZHkiOiJrbm93cyJ9")
    await expect(visit.page.get_by_role("alert")).to_contain_text("not-found")
