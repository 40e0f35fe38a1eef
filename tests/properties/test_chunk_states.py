"""Writes of several workers in any order, from versions of any age. If a sequence broke a rule, two workers could copy
the same chunk, or a source could be deleted without a verified copy.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from local.memory.storage.account import Account
from local.memory.storage.tables import MemoryTableServiceClient
from shared.archiving.lease import Lease
from shared.domain.clock import SystemClock
from shared.domain.keys import key_of
from shared.domain.random_source import RandomSource
from shared.domain.records import Chunk, Recording
from shared.domain.states import MOVES, ONCE_SAFE, REPLAYABLE, ChunkState, ForbiddenMove
from shared.errors import LeaseLost
from shared.gateways.tables.catalogue import Catalogue
from tests.properties.effort import effort
from tests.properties.strategies import encodable_texts

LEASE = timedelta(seconds=60)
START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
DOCUMENTS = ["first", "second"]
DIGEST = "ab" * 32
# The fields that are written with each state.
FIELDS: dict[ChunkState, dict[str, Any]] = {
    ChunkState.ARCHIVED: {
        "blob_name": "a.wav",
        "size": 2**40,
        "sha256": DIGEST,
        "metadata_blob_name": "a.json",
        "metadata_size": 1,
        "metadata_sha256": DIGEST,
        "archived_at": START,
    },
    ChunkState.FAILED: {"failed_at": START},
    ChunkState.LOST: {"lost_at": START},
    ChunkState.EXPIRED: {"expired_at": START, "missing": "media"},
    ChunkState.REMOVED: {"removed_at": START, "missing": "both"},
}


class ManualClock:
    """A clock that the state machine moves. A sleeper wakes `wakes` times, and then sleeps forever."""

    def __init__(self) -> None:
        self.time = START
        self.wakes = 0
        self.sleeps_on = asyncio.Event()

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        del seconds
        if self.wakes:
            self.wakes -= 1
            return
        self.sleeps_on.set()
        await asyncio.Event().wait()


def chunk_of(recording_key: str, document_id: str, now: datetime) -> Chunk:
    return Chunk(
        recording_key=recording_key,
        chunk_key=key_of(document_id),
        document_id=document_id,
        index=0,
        content_location="https://storage.asm.skype.com/content",
        metadata_location="https://storage.asm.skype.com/metadata",
        delete_location="https://storage.asm.skype.com/",
        started_at=now,
        event_id="event",
        event_time=now,
        deadline=now + timedelta(hours=24),
        pending_at=now,
    )


class Workers(RuleBasedStateMachine):
    """`versions` are chunks as a worker once read or wrote them: the newest, and all stale ones."""

    catalogue: Catalogue
    loop: asyncio.AbstractEventLoop

    versions = Bundle("versions")

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.recording = Recording(recording_key=key_of(uuid.uuid4().hex), recording_id="recording")
        self.rows: dict[str, Chunk] = {}
        self.owners = self.corrections = 0

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def write(self, version: Chunk, writing: Awaitable[Chunk], *, leased: bool = False) -> Chunk:
        """Writes a version and checks the rules of every write. Returns the version that the worker has afterwards."""
        before = self.rows[version.document_id]
        current = self.may_write(version, before, leased=leased)

        async def attempt() -> Chunk | None:
            try:
                return await writing
            except LeaseLost:
                return None

        written = self.run(attempt())
        after = self.check_row(version.document_id)
        if written is None:
            assert not current, "a writer of the newest version must not be refused"
            assert after == before
            return version
        # If a stale version has the row's content, the write counts as its own retry, and changes nothing.
        assert current or after.etag == before.etag, "a stale version must never be written"
        assert (written, written.etag) == (after, after.etag)
        return written

    @staticmethod
    def may_write(version: Chunk, current_row: Chunk, *, leased: bool) -> bool:
        """The newest version may be written. With a lease, so may a version to which only an own renewal was added."""
        is_renewed = version.evolve(lease_until=current_row.lease_until) == current_row
        is_owners = leased and version.owner is not None and is_renewed
        return version.etag == current_row.etag or is_owners

    def check_row(self, document_id: str) -> Chunk:
        """Reads a row, and checks its change since the last read."""
        found = self.run(self.catalogue.chunk(self.recording.recording_key, key_of(document_id)))
        assert found is not None, "a chunk's row is never removed"
        before = self.rows.get(document_id)
        if before is not None and found.etag != before.etag:
            assert found.state == before.state or found.state in MOVES[before.state]
            is_live = before.lease_until is not None and before.lease_until > self.clock.time
            assert not is_live or found.owner in (before.owner, None), "a live lease has one owner"
        if found.state is ChunkState.RELEASED:
            assert before is not None
            assert before.state in ONCE_SAFE, "a released chunk must have been archived"
        if found.state in ONCE_SAFE:
            assert None not in (found.blob_name, found.size, found.sha256, found.metadata_sha256)
        assert (found.owner is not None) == (found.state is ChunkState.COPYING)
        self.rows[document_id] = found
        return found

    @initialize(target=versions)
    def first(self) -> Chunk:
        return self.add(DOCUMENTS)

    def add(self, documents: list[str]) -> Chunk:
        chunks = tuple(chunk_of(self.recording.recording_key, one, self.clock.time) for one in documents)
        known = dict(self.rows)
        read = self.run(self.catalogue.ledger(self.recording.recording_key))
        current_row = self.run(self.catalogue.add_chunks(self.recording, chunks, read))
        assert current_row is not None
        for one in current_row:
            now = self.check_row(one.document_id)
            assert now == one == known.get(one.document_id, now), "adding a chunk again changes nothing"
            assert one.document_id in known or now.state is ChunkState.PENDING
        return self.rows[documents[0]]

    @rule(target=versions, documents=st.permutations(DOCUMENTS))
    def add_again(self, documents: list[str]) -> Chunk:
        return self.add(documents)

    @rule(target=versions, document_id=st.sampled_from(DOCUMENTS))
    def read(self, document_id: str) -> Chunk:
        return self.check_row(document_id)

    @rule(seconds=st.sampled_from([1, 30, 59, 60, 61, 4000]))
    def time_passes(self, seconds: int) -> None:
        self.clock.time += timedelta(seconds=seconds)

    def claimed(self, version: Chunk) -> Chunk | None:
        """The chunk as a worker would claim it. None if a worker would wait."""
        if version.state not in (ChunkState.PENDING, ChunkState.COPYING):
            return None
        until = version.lease_until if version.state is ChunkState.COPYING else version.next_attempt_at
        if until is not None and until > self.clock.time:
            return None
        self.owners += 1
        return version.move(
            ChunkState.COPYING,
            owner=f"worker-{self.owners}",
            lease_until=self.clock.time + LEASE,
            attempts=version.attempts + 1,
            next_attempt_at=None,
        )

    @rule(target=versions, version=versions)
    def claim(self, version: Chunk) -> Chunk:
        claimed = self.claimed(version)
        return version if claimed is None else self.write(version, self.catalogue.replace(claimed))

    @rule(target=versions, version=versions, workers=st.integers(2, 4))
    def claim_at_once(self, version: Chunk, workers: int) -> Chunk:
        claims = [claim for _ in range(workers) if (claim := self.claimed(version)) is not None]
        current = version.etag == self.rows[version.document_id].etag

        async def attempt() -> list[Chunk | BaseException]:
            return await asyncio.gather(*map(self.catalogue.replace, claims), return_exceptions=True)

        results = self.run(attempt())
        won = [result for result in results if isinstance(result, Chunk)]
        assert all(isinstance(result, Chunk | LeaseLost) for result in results)
        assert len(won) == (1 if claims and current else 0), "one of several claims must succeed"
        self.check_row(version.document_id)
        return won[0] if won else version

    @rule(target=versions, version=versions)
    def renew(self, version: Chunk) -> Chunk:
        if version.state is not ChunkState.COPYING:
            return version
        lease = Lease(self.catalogue, self.catalogue.replace, self.clock, version, LEASE)

        self.clock.wakes, self.clock.sleeps_on = 1, asyncio.Event()
        before = self.rows[version.document_id]
        current = self.may_write(version, before, leased=True)

        async def attempt() -> bool:
            try:
                await lease.keep_while(self.clock.sleeps_on.wait())
            except LeaseLost:
                return False
            return True

        kept = self.run(attempt())
        after = self.check_row(version.document_id)
        assert kept or not current, "the newest version keeps its lease"
        assert current or after.etag == before.etag, "a lost lease must never be written"
        assert (after.owner, after.state) == (before.owner, before.state)
        return after if kept else version

    @rule(
        target=versions,
        version=versions,
        state=st.sampled_from(ChunkState),
        detail=st.none() | encodable_texts,
    )
    def end(self, version: Chunk, state: ChunkState, detail: str | None) -> Chunk:
        """Moves a chunk to any state, including moves that no use case makes."""
        if state not in MOVES[version.state]:
            with pytest.raises(ForbiddenMove):
                version.move(state)
            self.check_row(version.document_id)
            return version
        if state is ChunkState.COPYING:
            return version  # this is a claim
        changes = {"channel": detail, **FIELDS.get(state, {})}
        if version.state is ChunkState.COPYING:
            lease = Lease(self.catalogue, self.catalogue.replace, self.clock, version, LEASE)
            return self.write(version, lease.end(version.move(state, **changes)), leased=True)
        return self.write(version, self.catalogue.replace(version.move(state, **changes)))

    @rule(target=versions, version=versions, pause=st.integers(1, 200))
    def retry_later(self, version: Chunk, pause: int) -> Chunk:
        if version.state is not ChunkState.COPYING:
            return version
        following = self.clock.time + timedelta(seconds=pause)
        lease = Lease(self.catalogue, self.catalogue.replace, self.clock, version, LEASE)
        return self.write(version, lease.end(version.move(ChunkState.PENDING, next_attempt_at=following)), leased=True)

    @rule(target=versions, version=versions)
    def replay(self, version: Chunk) -> Chunk:
        if version.state not in REPLAYABLE:
            return version
        return self.write(version, self.catalogue.replace(version.restarted(self.clock.time)))

    @rule(target=versions, version=versions, gives_way=st.booleans())
    def correct(self, version: Chunk, gives_way: bool) -> Chunk:
        """Replaces the locations of a chunk that isn't safe, like intake does, also during a lease."""
        if version.state in ONCE_SAFE:
            return version
        self.corrections += 1
        corrected = (
            version if version.state is ChunkState.PENDING or not gives_way else version.restarted(self.clock.time)
        )
        location = f"https://storage.asm.skype.com/{self.corrections}"
        return self.write(version, self.catalogue.replace(corrected.evolve(content_location=location)))

    @precondition(lambda self: self.rows)
    @rule()
    def the_recording_has_all_chunks(self) -> None:
        _, chunks = self.run(self.catalogue.recording(self.recording.recording_key))
        assert {chunk.document_id: chunk for chunk in chunks} == self.rows


def test_no_order_of_operations_breaks_the_state_diagram_or_lets_a_stale_writer_write():
    loop = asyncio.new_event_loop()
    service: Any = MemoryTableServiceClient(Account(SystemClock()))
    loop.run_until_complete(service.create_table_if_not_exists("states"))
    Workers.catalogue, Workers.loop = Catalogue(service, "states", RandomSource()), loop
    try:
        run_state_machine_as_test(Workers, settings=effort(150, steps=40))
    finally:
        loop.close()
