"""Events of one chunk that name different locations: whatever order they are delivered in, the chunk isn't lost."""

import copy
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from local.memory.storage.account import Operation, apply_at_once
from shared.domain.files.other_locations import other_locations
from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from tests.unit.world import World, document, event_of

NAME, OTHER = "0-wus-d4-a", "0-wus-d4-b"
RECORDING = "recording-1"
LOCATIONS = ("contentLocation", "metadataLocation", "deleteLocation")
EARLY, LATE = "2026-11-21T09:59:11Z", "2026-11-21T10:01:00Z"


@pytest.fixture
async def world() -> World:
    return await World.made(document(NAME))


def right(**changes: Any) -> dict[str, Any]:
    return event_of(RECORDING, NAME) | {"id": str(uuid.uuid4())} | changes


def wrong(old: str, new: str, **changes: Any) -> dict[str, Any]:
    """An event with one part of every location replaced."""
    event = copy.deepcopy(right(**changes))
    chunk = event["data"]["recordingStorageInfo"]["recordingChunks"][0]
    for name in LOCATIONS:
        chunk[name] = chunk[name].replace(old, new)
    return event


def nowhere(**changes: Any) -> dict[str, Any]:
    """Locations of the right document where nothing is."""
    return wrong("/v1/", "/v9/", **changes)


def of_another_document(**changes: Any) -> dict[str, Any]:
    return wrong(NAME, OTHER, **changes)


async def delivered(world: World, *events: dict[str, Any]) -> Chunk:
    """The chunk after the events were delivered one after the other, before any attempt."""
    for event in events:
        await world.host.app.intake.receive(event)
    return await world.chunk(RECORDING, NAME)


async def ended(world: World, *, rounds: int = 5) -> Chunk:
    await world.run(rounds=rounds)
    return await world.chunk(RECORDING, NAME)


async def test_an_older_event_that_is_delivered_later_doesn_t_replace_the_locations(world: World):
    chunk = await delivered(world, right(eventTime=LATE), nowhere(eventTime=EARLY))
    assert "/v1/" in chunk.content_location
    assert ["/v9/" in one.content for one in other_locations(chunk)] == [True]
    assert (await ended(world)).state is ChunkState.RELEASED


@pytest.mark.parametrize("events", [(right(eventTime=EARLY), nowhere(eventTime=LATE))])
@pytest.mark.parametrize("step", [1, -1])
async def test_an_attempt_finds_the_file_at_the_older_event_s_location(
    world: World, events: tuple[dict[str, Any], ...], step: int
):
    chunk = await delivered(world, *events[::step])
    assert "/v9/" in chunk.content_location
    chunk = await ended(world)
    assert (chunk.state, chunk.attempts) == (ChunkState.RELEASED, 1)
    assert "/v1/" in chunk.content_location
    assert "/v1/" in str(chunk.delete_location)
    assert world.acs.documents[0].is_deleted


@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize(("one", "other"), [(EARLY, LATE), (LATE, EARLY), (EARLY, EARLY), (None, None)])
async def test_locations_of_another_document_never_replace_those_of_the_chunk_s_own(
    world: World, one: str | None, other: str | None, step: int
):
    events = [right(eventTime=one), of_another_document(eventTime=other)][::step]
    chunk = await delivered(world, *events)
    assert NAME in chunk.content_location
    assert other_locations(chunk) == (), "another document's files are not the chunk's"
    assert (await ended(world)).state is ChunkState.RELEASED


@pytest.mark.parametrize("times", [(EARLY, EARLY), (EARLY, None), (None, EARLY), ("yesterday", "0001-01-01T00:00:00Z")])
async def test_events_of_the_same_or_an_unknown_time_count_in_the_order_of_delivery(
    world: World, times: tuple[Any, Any]
):
    chunk = await delivered(world, nowhere(eventTime=times[0]), right(eventTime=times[1]))
    assert "/v1/" in chunk.content_location
    assert (await ended(world)).state is ChunkState.RELEASED


async def test_a_time_in_the_future_doesn_t_keep_later_events_out(world: World):
    chunk = await delivered(world, nowhere(eventTime="2036-11-21T10:00:00Z"), right(eventTime=EARLY))
    assert "/v1/" in chunk.content_location


async def test_an_older_event_adds_a_location_that_the_newer_one_omits(world: World):
    later = right(eventTime=LATE)
    del later["data"]["recordingStorageInfo"]["recordingChunks"][0]["metadataLocation"]
    chunk = await delivered(world, later, right(eventTime=EARLY))
    assert chunk.metadata_location is not None
    assert (await ended(world)).state is ChunkState.RELEASED


async def test_a_newer_event_on_a_forged_host_costs_nothing(world: World):
    chunk = await delivered(world, right(eventTime=EARLY), wrong("asm.skype.com", "example.org", eventTime=LATE))
    assert "example.org" in chunk.content_location
    assert (await ended(world)).state is ChunkState.RELEASED


async def test_metadata_are_found_at_another_location_too(world: World):
    later = nowhere(eventTime=LATE)
    chunk = later["data"]["recordingStorageInfo"]["recordingChunks"][0]
    chunk["contentLocation"] = chunk["contentLocation"].replace("/v9/", "/v1/")
    await delivered(world, right(eventTime=EARLY), later)
    done = await ended(world)
    assert (done.state, done.attempts) == (ChunkState.RELEASED, 1)
    assert done.metadata_blob_name is not None


async def test_a_chunk_is_lost_only_after_no_location_had_its_source(world: World):
    world.acs.documents[0].is_deleted = True
    await delivered(world, right(eventTime=EARLY), nowhere(eventTime=LATE))
    asked: set[str] = set()

    async def seen[T](operation: Operation, apply: Callable[[], T], /) -> T:
        if operation.method == "download_recording" and "video" not in operation.target:
            asked.add(operation.target)
        return await apply_at_once(operation, apply)

    world.host.restart(seen)
    chunk = await ended(world, rounds=400)
    assert chunk.state is ChunkState.LOST
    assert {part for one in asked for part in ("/v1/", "/v9/") if part in one} == {"/v1/", "/v9/"}


async def test_an_event_that_adds_a_location_doesn_t_interrupt_a_copy(world: World):
    await delivered(world, right(eventTime=LATE))
    given = False

    async def meanwhile[T](operation: Operation, apply: Callable[[], T], /) -> T:
        nonlocal given
        if operation.method == "upload_blob" and not given:
            given = True
            await world.host.app.intake.receive(nowhere(eventTime=EARLY))
        return await apply_at_once(operation, apply)

    world.host.restart(meanwhile)
    chunk = await ended(world)
    assert given
    assert (chunk.state, chunk.attempts) == (ChunkState.RELEASED, 1)
    assert len(other_locations(chunk)) == 1


async def test_a_location_that_is_added_during_the_last_attempt_is_tried_before_the_chunk_is_lost(
    world: World, caplog: pytest.LogCaptureFixture
):
    chunk = await delivered(world, nowhere(eventTime=LATE))
    gone_since = world.clock.now() - timedelta(hours=5)
    await world.writers.chunks.replace(chunk.evolve(gone=4, gone_since=gone_since, attempts=4))
    given = False

    async def meanwhile[T](operation: Operation, apply: Callable[[], T], /) -> T:
        nonlocal given
        if operation.method == "download_recording" and not given:
            given = True
            await world.host.app.intake.receive(right(eventTime=EARLY))
        return await apply_at_once(operation, apply)

    world.host.restart(meanwhile)
    assert (await ended(world)).state is ChunkState.RELEASED
    assert given
    assert "chunk given up" not in caplog.text


async def test_however_many_events_name_however_long_locations_the_row_stays_within_its_limits(world: World):
    later = [wrong("/v1/", f"/{number}{'x' * 8000}/", eventTime=LATE, id=f"event-{number}") for number in range(12)]
    chunk = await delivered(world, right(eventTime=EARLY), *later)
    assert chunk.other_locations is not None
    assert len(chunk.other_locations) <= 32_768
    short = [wrong("/v1/", f"/v{number}/", eventTime=LATE) for number in range(100, 120)]
    assert len(other_locations(await delivered(world, *short))) <= 4


async def test_a_repeated_event_that_isn_t_used_changes_nothing(world: World):
    older = nowhere(eventTime=EARLY)
    before = await delivered(world, right(eventTime=LATE), older)
    assert (await delivered(world, older, older)).etag == before.etag
