"""A source is deleted only while its files are known to be in the archive, however long the attempt took."""

from collections.abc import Callable

import pytest

from local.memory.storage.account import Operation, Turn, apply_at_once
from tests.unit.runs import LARGE, RECORDING, SMALL, Run

_METADATA = "acsmetadata"


def slow(run: Run, method: str, target: str = "", *, seconds: float, then: Callable[[], None] = lambda: None) -> Turn:
    """A turn in which one kind of operation takes long, and in which something happens once after it."""
    done: list[Operation] = []

    async def turn[T](operation: Operation, apply: Callable[[], T], /) -> T:
        result = await apply_at_once(operation, apply)
        if operation.method == method and target in operation.target:
            run.world.clock.forward(seconds=seconds)
            if not done:
                then()
            done.append(operation)
        return result

    return turn


def remove_media(run: Run) -> None:
    container = run.world.account.containers[run.world.settings.archive_container]
    for name in [one for one in container.names() if not one.endswith("json")]:
        container.delete(name, None)


@pytest.mark.parametrize("names", [SMALL, LARGE], ids=["small", "blocks"])
async def test_media_that_are_removed_while_the_metadata_are_copied_are_copied_again(names: tuple[str, ...]):
    run = await Run.prepared(names)
    await run.under(slow(run, "download_recording", _METADATA, seconds=6, then=lambda: remove_media(run)))


async def test_a_chunk_whose_copy_is_quick_is_deleted_without_a_check():
    run = await Run.prepared(SMALL)
    asked: list[str] = []

    async def counted[T](operation: Operation, apply: Callable[[], T], /) -> T:
        asked.append(operation.method)
        return await apply_at_once(operation, apply)

    await run.under(counted)
    assert "get_blob_properties" not in asked


async def test_a_file_that_takes_long_to_read_is_read_once_before_its_source_is_deleted():
    """Its blob has no digest. A check that is outdated when it ends must not be repeated for ever."""
    run = await Run.prepared(SMALL)
    (document,) = run.world.acs.documents
    run.world.acs.refuse(document.delete_location, 503)
    await run.world.host.round()
    container = run.world.account.containers[run.world.settings.archive_container]
    for name in container.names():
        container.find(name).metadata.pop("sha256", None)
    read: list[str] = []

    async def turn[T](operation: Operation, apply: Callable[[], T], /) -> T:
        if operation.method == "download_blob":
            read.append(operation.target)
            run.world.clock.forward(seconds=6)
        return await apply_at_once(operation, apply)

    await run.under(turn)
    assert len(read) == 2, "each of the two files once"
    assert (await run.world.chunk(RECORDING, SMALL[0])).released_at is not None
