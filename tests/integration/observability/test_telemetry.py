"""Metrics and traces for dashboards and alerts: each fact once, correct, and without personal data."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode

from local.acs.simulator import Simulator
from shared.contracts.jobs import ChunkJob
from shared.domain.keys import key_of
from shared.domain.states import ChunkState
from shared.gateways.tables.worklist import Worklist
from tests.integration.telemetry import Telemetry, telemetry
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(name="telemetry", scope="session")
def telemetry_fixture() -> Telemetry:
    return telemetry()


def names_of(telemetry: Telemetry, made: dict[str, Any]) -> list[str]:
    return [span.name for span in telemetry.spans(key_of(made["recordingId"]))]


def traces_of(telemetry: Telemetry, made: dict[str, Any]) -> set[int]:
    return {span.context.trace_id for span in telemetry.spans(key_of(made["recordingId"]))}


class Counted:
    """The increase of the instruments since the last call."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry, self._before = telemetry, telemetry.points()

    def by(self, name: str, **attributes: Any) -> Any:
        key = (name, tuple(sorted((each.replace("__", "."), value) for each, value in attributes.items())))
        before, after = self._before.get(key), self._telemetry.points().get(key)
        if hasattr(after, "count"):
            return after.count - (before.count if before else 0), after.sum - (before.sum if before else 0)
        return (after or 0) - (before or 0)


async def test_one_trace_leads_from_the_event_over_a_retry_to_the_release(world: World, telemetry: Telemetry):
    made = await world.document(size=30_000, format="wav")
    await world.fault("download", "serverError", documentId=made["chunks"][0]["documentId"])
    with trace.get_tracer("host").start_as_current_span("invocation") as invocation:
        await world.app.intake.receive(made["event"])
    await world.drained()
    assert (await world.chunk(world.job(made))).state is ChunkState.RELEASED
    assert names_of(telemetry, made) == [
        *("process event", "claim", "copy", "archive chunk"),
        *("claim", "copy", "release", "archive chunk"),
    ]
    assert traces_of(telemetry, made) == {invocation.get_span_context().trace_id}


@pytest.mark.parametrize("by_the_sweep", [False, True])
async def test_an_announcement_carries_the_trace_of_its_event(
    make_world: MakeWorld, simulator: Simulator, telemetry: Telemetry, *, by_the_sweep: bool
):
    clock = MovableClock()
    topic = {"ANNOUNCE_TOPIC_ENDPOINT": simulator.topic_endpoint, "ANNOUNCE_TOPIC_KEY": simulator.topic_key}
    world = await make_world(clock=clock, **topic)
    made, _ = await world.announced(size=30_000, format="wav")
    if by_the_sweep:
        await world.fault("announce", "serverError", recordingId=made["recordingId"])
    await world.drained()
    clock.forward(minutes=6)
    with trace.get_tracer("host").start_as_current_span("invocation"):
        await world.app.sweep.run()
    (event, *_) = await world.acs("GET", f"/announcements?recordingId={made['recordingId']}")
    announcing = [span for span in telemetry.spans(key_of(made["recordingId"])) if span.name == "announce"][-1]
    context = announcing.context
    traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    assert event["event"]["traceparent"] == traceparent
    assert traces_of(telemetry, made) == {context.trace_id}
    assert len(announcing.links) == int(by_the_sweep), "the span that announced it is linked"


async def test_the_span_of_a_failed_attempt_contains_only_the_reason(world: World, telemetry: Telemetry):
    made = await world.document(size=30_000, format="wav")
    await world.fault("download", "serverError", documentId=made["chunks"][0]["documentId"])
    await world.app.intake.receive(made["event"])
    await world.drained()
    failed, succeeded = (span for span in telemetry.spans(key_of(made["recordingId"])) if span.name == "copy")
    assert (failed.status.status_code, failed.status.description) == (StatusCode.ERROR, "acs-unavailable")
    assert failed.attributes is not None
    assert failed.attributes["error.type"] == "acs-unavailable"
    assert failed.events == ()
    assert succeeded.status.status_code is StatusCode.UNSET


async def test_a_chunk_that_the_sweep_queues_stays_in_the_trace_of_its_event(
    make_world: MakeWorld, telemetry: Telemetry
):
    clock = MovableClock()
    world = await make_world(clock=clock)
    made, _ = await world.announced(size=30_000, format="wav")
    await world.dropped()
    clock.forward(minutes=10)
    await world.app.sweep.run()
    await world.drained()
    assert (await world.chunk(world.job(made))).state is ChunkState.RELEASED
    assert len(traces_of(telemetry, made)) == 1


async def test_the_invocation_of_a_job_is_linked_to_the_trace_of_its_event(world: World, telemetry: Telemetry):
    made, _ = await world.announced(size=30_000, format="wav")
    job = await world.take_job()
    with trace.get_tracer("host").start_as_current_span("invocation") as invocation:
        await world.app.archiving.handle(job)
    (work,) = (span for span in telemetry.spans(key_of(made["recordingId"])) if span.name == "archive chunk")
    assert [link.context.span_id for link in work.links] == [invocation.get_span_context().span_id]
    assert work.context.trace_id != invocation.get_span_context().trace_id


async def test_a_job_without_a_trace_is_processed(world: World, telemetry: Telemetry):
    made, job = await world.announced(size=30_000, format="wav")
    old = json.dumps({"recordingKey": job.recordingKey, "chunkKey": job.chunkKey}).encode()
    await world.app.archiving.handle(ChunkJob.decode(old))
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    assert "release" in names_of(telemetry, made)


async def test_a_chunk_that_becomes_safe_is_measured_once(world: World, telemetry: Telemetry):
    counted = Counted(telemetry)
    made, job = await world.announced(size=30_000, format="wav")
    await world.app.archiving.handle(job)
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    assert counted.by("callvault.chunks.ended", state="released") == 1
    assert counted.by("callvault.archive.io", file="media") == 30_000
    assert counted.by("callvault.archive.io", file="metadata") == made["chunks"][0]["metadataSize"]
    assert chunk.archived_at is not None
    took, left = chunk.archived_at - chunk.event_time, chunk.deadline - chunk.archived_at
    assert counted.by("callvault.chunk.time_to_safe") == (1, pytest.approx(took.total_seconds()))
    assert counted.by("callvault.chunk.time_left") == (1, pytest.approx(left.total_seconds()))
    copies, speed = counted.by("callvault.copy.speed")
    assert copies == 1
    assert speed > 0


async def test_a_chunk_that_becomes_safe_after_its_deadline_is_also_measured(
    make_world: MakeWorld, telemetry: Telemetry
):
    clock = MovableClock()
    world = await make_world(clock=clock)
    counted = Counted(telemetry)
    _, job = await world.announced(size=30_000, format="wav")
    clock.forward(hours=25)  # by our estimate; ACS still has it
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    assert counted.by("callvault.chunk.time_left") == (1, 0)


async def test_a_chunk_whose_source_is_kept_is_counted_as_archived(make_world: MakeWorld, telemetry: Telemetry):
    world = await make_world(DELETE_SOURCE="false")
    counted = Counted(telemetry)
    _, job = await world.announced(size=30_000, format="wav")
    await world.app.archiving.handle(job)
    await world.app.archiving.handle(job)
    assert counted.by("callvault.chunks.ended", state="archived") == 1


async def test_retries_are_counted_by_reason_and_a_chunk_without_more_attempts_as_failed(
    make_world: MakeWorld, telemetry: Telemetry
):
    world = await make_world(MAX_ATTEMPTS=2)
    counted = Counted(telemetry)
    made, _ = await world.announced(size=30_000, format="wav")
    await world.fault("download", "serverError", times=0, documentId=made["chunks"][0]["documentId"])
    await world.drained()
    assert counted.by("callvault.chunks.retries", fault="source", error__type="acs-unavailable") == 1
    assert counted.by("callvault.chunks.ended", state="failed") == 1


async def test_open_chunks_are_reported_by_age_once_for_each_sweep(world: World, telemetry: Telemetry):
    for hours in (0.5, 2, 2, 5):
        made = await world.document(size=1_000, format="wav")
        began = datetime.now(UTC) - timedelta(hours=hours)
        await world.app.intake.receive(made["event"] | {"eventTime": began.isoformat()})
    telemetry.points()
    await world.app.sweep.run()
    assert open_by_hours(telemetry) == {0: 1, 1: 2, 4: 1, 12: 0}
    assert open_by_hours(telemetry) == {}, "a count without a new sweep must not be reported again"


async def test_the_sweep_counts_open_chunks_only_if_metrics_are_collected(
    world: World, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
):
    telemetry.points()
    await world.app.sweep.run()
    monkeypatch.setattr(
        Worklist, "deadlines", lambda _: pytest.fail("the sweep counted although no metrics are collected")
    )
    await world.app.sweep.run()


def open_by_hours(telemetry: Telemetry) -> dict[int, int]:
    return {key[1][0][1]: value for key, value in telemetry.points().items() if key[0] == "callvault.chunks.open"}
