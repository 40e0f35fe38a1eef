"""Each row of ACS's published codes, through start, stop, pause, resume and AUTO_RECORD.

A wrongly translated code misleads callers: they would check their key although Teams refuses, retry forever, or believe
that a recording is still running.
"""

import json

import pytest

from shared.domain.keys import call_key
from tests.integration.recording.automatic import at_rest, begun, recording, recordings_of
from tests.integration.recording.control import call, json_of, start
from tests.integration.world import MakeWorld, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

# For a start: HTTP status and code of ACS; our status, reason and Retry-After; the outcome of AUTO_RECORD, None
# if it retries.
_STARTS = [
    (400, "8553", 409, "conflict", False, "recorded already"),
    (400, "8559", 409, "conflict", False, "recorded already"),
    (409, "8571", 409, "conflict", True, None),
    (409, "8519", 409, "conflict", True, None),
    (400, "8501", 409, "conflict", True, None),
    (400, "8585", 409, "conflict", True, None),
    (400, "8528", 404, "not-found", False, "over"),
    (400, "8543", 404, "not-found", False, "over"),
    (404, "8522", 404, "not-found", False, None),
    (405, "8522", 404, "not-found", False, None),
    (400, "8523", 400, "invalid-request", False, None),
    (400, "8557", 400, "invalid-request", False, None),
    (400, "8562", 400, "invalid-request", False, None),
    (400, "8573", 409, "conflict", False, None),
    (405, "8520", 501, "acs-not-supported", False, "refused: acs-not-supported"),
    (403, "7504", 403, "acs-forbidden", False, "refused: acs-forbidden"),
    (403, "7505", 403, "acs-forbidden", False, "refused: acs-forbidden"),
    (403, "7507", 403, "acs-forbidden", False, "refused: acs-forbidden"),
    (403, "7508", 403, "acs-forbidden", False, "refused: acs-forbidden"),
    (403, "7604", 403, "call-not-recordable", False, "refused: call-not-recordable"),
    (403, "7605", 403, "call-not-recordable", False, "refused: call-not-recordable"),
    (401, "7500", 502, "acs-credential-refused", True, None),
    (401, "7501", 502, "acs-credential-refused", True, None),
    (403, "7502", 502, "acs-credential-refused", True, None),
    (403, "7509", 502, "acs-credential-refused", True, None),
    (403, "7510", 502, "acs-credential-refused", True, None),
    (403, "7600", 502, "acs-credential-refused", True, None),
    (403, "8529", 429, "acs-throttled", True, None),
    (403, "8530", 429, "acs-throttled", True, None),
    (429, "8516", 429, "acs-throttled", True, None),
    (400, "8589", 429, "acs-throttled", True, None),
    (500, "9001", 502, "acs-unavailable", True, None),
    (504, "9002", 504, "acs-unavailable", True, None),
    (500, "9003", 502, "acs-unavailable", True, None),
    (500, "9998", 502, "acs-unavailable", True, None),
    (500, "9999", 502, "acs-unavailable", True, None),
    (503, "9999", 503, "acs-unavailable", True, None),
    (400, "1234", 400, "invalid-request", False, None),
    (401, "1234", 502, "acs-credential-refused", True, None),
    (405, "1234", 501, "acs-not-supported", False, "refused: acs-not-supported"),
    (409, "1234", 409, "conflict", True, None),
    (500, "1234", 502, "acs-unavailable", True, None),
]
_SAID = "what ACS said of it"


@pytest.mark.parametrize(("status", "code", "ours", "reason", "retry", "_outcome"), _STARTS)
async def test_a_start_that_acs_refuses_is_answered_by_its_code(
    world: World, status: int, code: str, ours: int, reason: str, retry: bool, _outcome: str | None
):
    made = await call(world)
    await world.fault("start", "error", status=status, code=code, message=_SAID, callId=made["callId"])
    answer = await start(world, serverCallId=made["serverCallId"])
    body = json_of(answer)
    assert (answer.status, body["reason"], body["retry"]) == (ours, reason, retry)
    if status >= 500 or reason in ("invalid-request", "acs-forbidden", "call-not-recordable"):
        assert code in body["detail"]
        assert _SAID in body["detail"]
    if "credential" not in reason:
        assert "ACS_CONNECTION_STRING" not in body["detail"]
    if ours == 429:
        assert answer.headers["Retry-After"] == "10"


@pytest.mark.parametrize(("status", "code", "_ours", "_reason", "_retry", "outcome"), _STARTS)
async def test_an_automatic_start_that_acs_refuses_is_ended_or_retried(
    make_world: MakeWorld,
    caplog: pytest.LogCaptureFixture,
    status: int,
    code: str,
    _ours: int,
    _reason: str,
    _retry: bool,
    outcome: str | None,
):
    caplog.set_level("INFO")
    world, clock = await recording(make_world)
    made, event = await begun(world)
    times = 4 if outcome is None else 0
    await world.fault("start", "error", status=status, code=code, callId=made["callId"], times=times)
    await world.app.intake.receive(event)
    claim = await world.gateways.claims.find(call_key(made["serverCallId"]))
    assert claim is not None
    assert claim.outcome == outcome
    for _ in range(2):
        clock.forward(minutes=1)
        await world.app.sweep.run()
    assert len(await recordings_of(world, made)) == (1 if outcome is None else 0)
    await at_rest(world, clock)
    lines = [record for record in caplog.records if "call_key" in record.getMessage()]
    if outcome is not None:
        assert len(lines) == 1, "one log line, not one each minute"
    refused = outcome is not None and outcome.startswith("refused")
    assert [record.levelname for record in lines if record.levelno >= 40] == ["ERROR"] * refused


@pytest.mark.parametrize(
    ("action", "status", "code", "ours", "retry"),
    [
        ("stop", 400, "8528", 200, None),
        ("stop", 400, "8543", 200, None),
        ("stop", 400, "8501", 200, None),
        ("stop", 400, "8585", 200, None),
        ("stop", 404, "8522", 200, None),
        ("stop", 409, "8571", 409, True),
        ("stop", 403, "7605", 403, False),
        ("stop", 500, "9999", 502, True),
        *(
            (action, *row)
            for action in ("pause", "resume")
            for row in (
                (400, "8528", 409, False),
                (400, "8543", 409, False),
                (404, "8522", 409, False),
                (400, "8573", 409, False),
                (400, "8501", 409, True),
                (409, "8571", 409, True),
                (409, "8519", 409, True),
                (405, "8520", 501, False),
                (403, "7604", 403, False),
                (403, "8529", 429, True),
                (500, "9999", 502, True),
            )
        ),
    ],
)
async def test_a_command_that_acs_refuses_is_answered_by_its_code(
    world: World, action: str, status: int, code: str, ours: int, retry: bool | None
):
    made = await call(world)
    recording_id = json_of(await start(world, serverCallId=made["serverCallId"]))["recordingId"]
    await world.fault(action, "error", status=status, code=code, message=_SAID, recordingId=recording_id)
    answer = await getattr(world.commands, action)(recording_id, by="ada")
    assert (answer.status, json_of(answer).get("retry")) == (ours, retry), answer.body
    if ours == 200:
        assert json_of(answer)["state"] == "stopped"


async def test_stopping_a_recording_of_other_code_whose_call_has_ended_succeeds(world: World):
    made = await call(world)
    started = await world.app.clients.calls.start_recording(server_call_id=made["serverCallId"])
    await world.fault("stop", "error", status=400, code="8528", recordingId=started.recording_id)
    answer = await world.commands.stop(started.recording_id, by="ada")
    assert (answer.status, json_of(answer)["state"]) == (200, "stopped")


_BY_CALL, _BY_CONNECTION = "serverCallId", "callConnectionId"


@pytest.mark.parametrize(
    ("first", "second", "connected"),
    [
        (_BY_CALL, _BY_CALL, False),
        (_BY_CONNECTION, _BY_CONNECTION, False),
        (_BY_CALL, _BY_CONNECTION, True),
        (_BY_CONNECTION, _BY_CALL, True),
    ],
)
async def test_a_second_start_names_the_running_recording(world: World, first: str, second: str, connected: bool):
    """`connected`: a CallConnected callback has linked the connection to its call."""
    made = await call(world)
    if connected:
        await world.gateways.links.link_connection(made["callConnectionId"], made["serverCallId"])
    await start(world, serverCallId=made["serverCallId"], channel="unmixed")
    running = json_of(await start(world, **{first: made[first]}, format="mp3"))["recordingId"]
    answer = await start(world, **{second: made[second]}, format="mp3")
    assert answer.status == 409
    assert running in json_of(answer)["detail"]


async def test_a_message_of_acs_is_truncated_and_shown_without_secrets(world: World):
    made = await call(world)
    message = "failed at https://acs.example/x?sig=abc Bearer eyJhbGciOiJIUzI1NiJ9.e30 accesskey=hidden " + "x" * 5000
    await world.fault("start", "error", status=500, code="9999", message=message, callId=made["callId"])
    detail = json_of(await start(world, serverCallId=made["serverCallId"]))["detail"]
    assert "9999" in detail
    assert "failed at" in detail
    assert len(detail) < 400
    for secret in ("sig=abc", "eyJ", "hidden", "acs.example"):
        assert secret not in detail


async def test_an_automatic_start_that_fails_for_long_is_reported_once(
    make_world: MakeWorld, caplog: pytest.LogCaptureFixture
):
    world, clock = await recording(make_world)
    made, event = await begun(world)
    await world.fault("start", "error", status=403, code="7502", callId=made["callId"], times=0)
    await world.app.intake.receive(event)
    for _ in range(12):
        clock.forward(minutes=1)
        await world.app.sweep.run()
    lines = [record.getMessage() for record in caplog.records if "call not recorded" in record.getMessage()]
    assert len(lines) == 1
    assert json.loads(lines[0].partition("yet ")[2])["action"] == "auto-record"
    await world.acs("DELETE", "/faults")
