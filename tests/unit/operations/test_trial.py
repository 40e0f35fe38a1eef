"""The doctor's test recording: it ends with what happened to the recording, and never waits for what can't come."""

from collections.abc import Callable
from datetime import datetime

import pytest

from local.memory.acs import Document
from shared.operations.doctor.findings import Finding, Level
from shared.operations.doctor.trial import CHECK, Trial
from tests.unit.world import World, document, event_of

pytestmark = pytest.mark.asyncio

CALL = "aHR0cHM6Ly9jb252LnNreXBlLmNvbS9jb252L2NhbGw="
NAME = "0-wus-d4-small"


class Waking:
    """A clock that doesn't wait. After the recording's own 20 seconds, ACS reports its files and the app works."""

    def __init__(self, world: World, report_files: Callable[[], None]) -> None:
        self._world, self._report_files, self._waits = world, report_files, 0

    def now(self) -> datetime:
        return self._world.clock.now()

    async def sleep(self, seconds: float) -> None:
        self._waits += 1
        if self._waits == 2:
            self._report_files()
            for _ in range(10):
                await self._world.host.round()
        self._world.clock.forward(seconds=seconds)


async def trial(
    *documents: Document, event: bool = True, without: str = "", **settings: object
) -> tuple[list[Finding], list[str]]:
    world, said = await World.made(*documents, **settings), list[str]()

    def report_files() -> None:
        (recording_id,) = world.acs.started.values()
        assert not world.acs.recordings, "the recording is stopped"
        if event:
            published = event_of(recording_id, NAME)
            published["data"]["recordingStorageInfo"]["recordingChunks"][0].pop(without, None)
            world.host.publish(published)

    clock = Waking(world, report_files)
    one = Trial(world.gateways.recorder, world.gateways.catalogue, clock, said.append)
    return await one.run(CALL, delete_source=world.settings.delete_source), said


async def test_a_recording_is_followed_until_its_source_is_deleted():
    (found,), said = await trial(document(NAME))
    assert (found.check, found.level, found.detail) == (CHECK, Level.OK, "is archived: released")
    assert said[0].startswith("records the call for 20 seconds")
    assert said[-1] == "its chunks: released"


async def test_where_sources_are_kept_an_archived_chunk_is_enough():
    (found,), _ = await trial(document(NAME), delete_source=False)
    assert (found.level, found.detail) == (Level.OK, "is archived: archived")


async def test_a_source_that_is_kept_for_a_reason_ends_the_wait_with_it():
    (found,), _ = await trial(document(NAME), without="deleteLocation")
    assert found.level is Level.FAILURE
    assert found.detail == "is archived: the event has no delete location"


async def test_a_chunk_that_is_not_archived_in_half_an_hour_is_a_failure_with_its_reason():
    (found,), _ = await trial()
    assert found.level is Level.FAILURE
    assert found.detail == "is still pending: source-gone"


async def test_no_event_in_half_an_hour_points_to_the_subscription():
    (found,), _ = await trial(document(NAME), event=False)
    assert found.level is Level.FAILURE
    assert "check the event subscription" in (found.fix or "")


async def test_a_call_that_acs_does_not_know_is_a_failure_at_once():
    world = await World.made()
    world.acs.refuse(CALL, 404)
    (found,) = await Trial(
        world.gateways.recorder, world.gateways.catalogue, world.clock, lambda _: pytest.fail("nothing is recorded")
    ).run(CALL, delete_source=True)
    assert found.level is Level.FAILURE
    assert "serverCallId" in (found.fix or "")
    assert not world.acs.started
