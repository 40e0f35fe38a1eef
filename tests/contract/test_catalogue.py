"""The catalogue's three guarantees: inserted once, late writers refused, merges don't undo each other.

On both kinds of storage, so that gateways and writers behave the same in the fast tests as in the slow ones.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.failure import Failure
from shared.domain.keys import key_of
from shared.domain.records import Chunk, Recording
from shared.domain.states import ChunkState, RecordingState
from shared.errors import Fault, LeaseLost
from tests.contract.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOW = datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC)
RECORDING = Recording(recording_key=key_of("rec"), recording_id="rec", announced_at=NOW)


def chunk(document_id: str = "doc", index: int = 0) -> Chunk:
    return Chunk(
        recording_key=RECORDING.recording_key,
        chunk_key=key_of(document_id),
        recording_id="rec",
        document_id=document_id,
        index=index,
        content_location="https://storage.asm.skype.com/v1/objects/doc/content/video",
        metadata_location="https://storage.asm.skype.com/v1/objects/doc/content/acsmetadata",
        delete_location="https://us-storage.asm.skype.com/v1/objects/doc",
        started_at=NOW - timedelta(hours=1),
        event_id="event",
        event_time=NOW,
        deadline=NOW + timedelta(hours=24),
        pending_at=NOW,
    )


async def stored(store: Store) -> Chunk:
    await store.writers.recordings.add_chunks(RECORDING, (chunk(),), None)
    read = await store.gateways.catalogue.chunk(RECORDING.recording_key, chunk().chunk_key)
    assert read is not None
    return read


async def test_what_is_written_is_read_back_to_the_microsecond_and_past_two_gibibytes(store: Store):
    read = await stored(store)
    assert read == chunk()
    full = read.evolve(
        size=5 * 2**31, sha256="ab" * 32, owner="me", lease_until=NOW, attempts=7, state=ChunkState.COPYING
    )
    await store.writers.chunks.replace(full)
    assert await store.gateways.catalogue.chunk(read.recording_key, read.chunk_key) == full


async def test_what_a_chunk_no_longer_has_is_gone_from_its_row(store: Store):
    catalogue, read = store.gateways.catalogue, await stored(store)
    read = await catalogue.replace(
        read.evolve(
            owner="me", lease_until=NOW, failure=Failure(fault=Fault.SOURCE, reason="acs-unavailable", detail="busy")
        )
    )
    await catalogue.replace(read.evolve(owner=None, lease_until=None, failure=None))
    assert await catalogue.chunk(read.recording_key, read.chunk_key) == chunk()


async def test_of_many_writers_from_one_version_one_succeeds(store: Store):
    read = await stored(store)
    tries = [store.writers.chunks.replace(read.evolve(owner=f"worker {number}")) for number in range(8)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, Chunk) for result in results) == 1
    assert sum(isinstance(result, LeaseLost) for result in results) == 7


async def test_a_write_that_arrived_though_its_answer_was_lost_counts_as_written(store: Store):
    """The SDK repeats it, and the repeat is refused: the chunk must not be taken for another worker's."""
    read = await stored(store)
    mine = read.evolve(owner="me", attempts=1)
    written = await store.writers.chunks.replace(mine)
    again = await store.writers.chunks.replace(mine)
    assert again == written
    assert again.etag == written.etag


async def test_announcing_returns_each_chunk_as_it_is_now(store: Store):
    read = await stored(store)
    await store.writers.chunks.replace(read.evolve(state=ChunkState.RELEASED))
    known = await store.gateways.catalogue.ledger(RECORDING.recording_key)
    current = await store.writers.recordings.add_chunks(RECORDING, (chunk(), chunk("other", 1)), known)
    assert current is not None
    assert [one.state for one in current] == [ChunkState.RELEASED, ChunkState.PENDING]


async def test_control_and_intake_merge_one_recording_in_any_order(store: Store):
    catalogue = store.gateways.catalogue
    started = Recording(recording_key=key_of("rec"), control=RecordingState.ACTIVE, correlation="c", requested_at=NOW)
    await catalogue.add_chunks(RECORDING, (chunk(),), None)
    await catalogue.merge(started)
    one, _ = await catalogue.recording(key_of("rec"))
    await catalogue.merge(RECORDING)
    two, _ = await catalogue.recording(key_of("rec"))
    assert one == two == started.evolve(recording_id="rec", announced_at=NOW)


async def test_an_unknown_chunk_and_recording_are_none(store: Store):
    assert await store.gateways.catalogue.chunk(key_of("nobody"), key_of("nothing")) is None
    assert await store.gateways.catalogue.recording(key_of("nobody")) == (None, ())
