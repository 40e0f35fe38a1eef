"""A call is recorded automatically, and once, despite crashes, outages of ACS and starts that fail."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from shared.contracts.events.outcome import Outcome
from shared.domain.keys import call_key
from shared.gateways.tables.claims import Claim, Claims
from shared.gateways.tables.worklist import WorkItem, Worklist
from shared.recording.start import Starting
from tests.integration.recording.automatic import at_rest, begun, recording, recordings_of, view
from tests.integration.world import MakeWorld, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_short_outage_of_acs_is_waited_out_and_a_longer_one_is_left_to_the_sweep(make_world: MakeWorld):
    world, clock = await recording(make_world)
    call, event = await begun(world)
    await world.fault("start", "serverError", callId=call["callId"], times=2)
    await world.app.intake.receive(event)
    assert len(await recordings_of(world, call)) == 1

    call, event = await begun(world)
    await world.fault("start", "throttle", callId=call["callId"], times=4)
    assert await world.app.intake.receive(event) is Outcome.ACCEPTED, "an error would delay other events"
    assert await recordings_of(world, call) == []
    for expected in (0, 1, 1):
        clock.forward(minutes=1)
        await world.app.sweep.run()
        assert len(await recordings_of(world, call)) == expected


async def test_a_call_that_acs_doesn_t_know_yet_is_tried_again_and_one_that_is_over_isn_t(make_world: MakeWorld):
    world, clock = await recording(make_world)
    call, event = await begun(world)
    await world.fault("start", "error", status=404, code="8522", callId=call["callId"], times=3)
    await world.app.intake.receive(event)
    clock.forward(minutes=1)
    await world.app.sweep.run()
    assert len(await recordings_of(world, call)) == 1

    call, event = await begun(world)
    await world.acs("POST", f"/calls/{call['callId']}/end")
    await world.app.intake.receive(event)
    for _ in range(6):
        clock.forward(minutes=1)
        await world.app.sweep.run()
    claim = await world.gateways.claims.find(call_key(call["serverCallId"]))
    assert claim is not None
    assert claim.outcome == "over"
    await at_rest(world, clock)


class Died(BaseException):
    """Stands for a crash of the process: no code after it runs."""


@pytest.mark.parametrize(
    ("owner", "method", "redelivered"),
    [
        (Worklist, "add", True),  # before anything is written: the delivery wasn't answered and is repeated
        (Claims, "begin", True),  # between the row and its claim, likewise
        (Starting, "start", False),
        (Claims, "write", False),  # between the start in ACS and the claim's outcome
    ],
)
async def test_a_crash_at_any_step_still_leads_to_one_recording(
    make_world: MakeWorld, owner: type, method: str, redelivered: bool
):
    world, clock = await recording(make_world)
    call, event = await begun(world)

    async def die(*_: Any, **__: Any) -> None:
        raise Died

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, method, die)
        with pytest.raises(Died):
            await world.app.intake.receive(event)
    if redelivered:
        await world.app.intake.receive(event)
    clock.forward(seconds=61)
    await world.app.sweep.run()
    (made,) = await recordings_of(world, call)
    assert (await view(world, made["recordingId"]))["state"] == "active"
    await at_rest(world, clock)


async def test_a_crash_after_the_claim_leads_to_a_recording_although_nobody_reports_the_call_again(
    make_world: MakeWorld,
):
    world, clock = await recording(make_world)
    call, event = await begun(world)
    begin = Claims.begin

    async def die_afterwards(claims: Claims, claim: Claim) -> Any:
        await begin(claims, claim)
        raise Died

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Claims, "begin", die_afterwards)
        with pytest.raises(Died):
            await world.app.intake.receive(event)
    clock.forward(seconds=61)
    await world.app.sweep.run()
    assert len(await recordings_of(world, call)) == 1
    await at_rest(world, clock)


async def deliver_failure(world: World, call: dict[str, Any]) -> None:
    """Delivers ACS's callback of the newest failed start."""
    *_, failed = [
        one
        for one in await world.acs("GET", "/callbacks")
        if one["event"]["data"]["serverCallId"] == call["serverCallId"]
    ]
    token = (await world.acs("POST", "/tokens"))["token"]
    parameters = dict(parse_qsl(urlsplit(failed["url"]).query))
    answer = await world.commands.callbacks(
        json.dumps([failed["event"]]).encode(),
        authorization=f"Bearer {token}",
        start_id=parameters["start"],
        signature=parameters["sig"],
    )
    assert answer.status == 200


async def test_a_start_that_acs_accepted_but_could_not_carry_out_is_sent_again(make_world: MakeWorld):
    world, clock = await recording(make_world)
    call, event = await begun(world)
    await world.fault("start", "accepted", fails=True, unnamed=True, callId=call["callId"])
    await world.app.intake.receive(event)
    for _ in range(2):
        await deliver_failure(world, call)
    clock.forward(seconds=1)
    await world.app.sweep.run()
    assert len(await recordings_of(world, call)) == 1
    await at_rest(world, clock)


async def test_a_call_whose_starts_all_fail_is_reported_as_not_recorded(
    make_world: MakeWorld, caplog: pytest.LogCaptureFixture
):
    world, clock = await recording(make_world)
    call, event = await begun(world)
    await world.fault("start", "accepted", fails=True, unnamed=True, callId=call["callId"], times=0)
    await world.app.intake.receive(event)
    for _ in range(6):
        assert "call not recorded" not in caplog.text
        await deliver_failure(world, call)
        clock.forward(seconds=1)
        await world.app.sweep.run()
    assert "call not recorded {" in caplog.text
    summary = json.loads((await world.queries.summary()).body)
    (check,) = [one for one in summary["checks"] if one["name"] == "calls"]
    assert "1 call of the last 24 hours (start failed)" in check["detail"]
    await at_rest(world, clock)


async def test_a_start_that_fails_while_its_outcome_is_written_is_sent_again(make_world: MakeWorld):
    world, clock = await recording(make_world)
    call, event = await begun(world)
    await world.fault("start", "accepted", fails=True, unnamed=True, callId=call["callId"])
    write_claim, remove = Claims.write, Worklist.remove

    async def write(self: Claims, claim: Claim) -> Claim | None:
        patch.undo()
        patch.setattr(Worklist, "remove", removed)
        return await write_claim(self, claim)

    async def removed(self: Worklist, item: WorkItem) -> None:
        patch.undo()
        await deliver_failure(world, call)
        await world.app.sweep.run()
        await remove(self, item)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Claims, "write", write)
        await world.app.intake.receive(event)
    clock.forward(seconds=1)
    await world.app.sweep.run()
    assert len(await recordings_of(world, call)) == 1
    await at_rest(world, clock)
