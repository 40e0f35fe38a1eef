"""Callbacks that come late, and callbacks about a recording whose start failed."""

from datetime import timedelta

import pytest

from shared.contracts.events.callbacks import CallbackEvent, CallbackKind
from shared.domain.keys import key_of
from shared.domain.records import Recording
from shared.domain.states import RecordingState
from shared.recording.ledger import LedgerUpdates
from tests.unit.world import World

_CALL = "Y2FsbA=="
_RECORDING = "recording-1"


class Ledger:
    """Callbacks about one recording of one call, and what the catalogue has of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.updates = LedgerUpdates(world.gateways, world.clock, world.settings)

    def event(self, kind: CallbackKind, state: str | None = None, age: timedelta = timedelta()) -> CallbackEvent:
        return CallbackEvent(
            kind=kind,
            event_id=f"{kind} {state} {age}",
            at=self.world.clock.now() - age,
            call_connection_id=None,
            server_call_id=_CALL,
            recording_id=_RECORDING,
            state=state,
            started_at=None,
            result=None,
        )

    async def recording(self) -> Recording:
        found = await self.world.gateways.catalogue.ledger(key_of(_RECORDING))
        assert found is not None
        return found


@pytest.fixture
async def ledger() -> Ledger:
    """The start of the recording has failed."""
    made = Ledger(await World.made())
    await made.updates.start_failed(made.event(CallbackKind.START_RECORDING_FAILED), _RECORDING)
    assert (await made.recording()).control is RecordingState.FAILED
    return made


async def test_the_end_of_its_call_does_not_stop_it(ledger: Ledger):
    await ledger.updates.call_ended(ledger.event(CallbackKind.CALL_DISCONNECTED))
    assert (await ledger.recording()).control is RecordingState.FAILED


async def test_a_late_callback_does_not_stop_it(ledger: Ledger):
    late = ledger.event(CallbackKind.RECORDING_STATE_CHANGED, "inactive", timedelta(minutes=5))
    await ledger.updates.state_changed(late, _RECORDING)
    assert (await ledger.recording()).control is RecordingState.FAILED


async def test_if_it_runs_after_all_its_files_are_awaited(ledger: Ledger):
    assert not ledger.world.left()
    active = ledger.event(CallbackKind.RECORDING_STATE_CHANGED, "active")
    await ledger.updates.state_changed(active, _RECORDING)
    assert (await ledger.recording()).control is RecordingState.ACTIVE
    assert ledger.world.left()


async def test_an_early_callback_that_comes_after_the_end_is_not_the_time_of_the_end():
    made = Ledger(await World.made())
    age = timedelta(minutes=40)
    await made.updates.state_changed(made.event(CallbackKind.RECORDING_STATE_CHANGED, "active", age), _RECORDING)
    found = await made.recording()
    assert (found.control, found.stopped_at) == (RecordingState.STOPPED, made.world.clock.now())
    (entry,) = await made.world.gateways.audit.history(key_of(_RECORDING))
    assert (entry.action, entry.at) == ("ended", made.world.clock.now())
