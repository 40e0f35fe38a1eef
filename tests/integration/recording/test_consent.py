"""If consent is required, nobody is recorded without it. Consent is stored with its recording."""

import json
from typing import Any

import pytest
import pytest_asyncio

from shared.contracts.http.start_request import StartRecording
from shared.domain.clock import SystemClock
from shared.domain.keys import key_of
from shared.domain.repeatability import Repeatability
from shared.errors import AlreadyRecording, SourceThrottled, SourceUnavailable
from shared.gateways.acs.recorder import CallRecorder, Started
from shared.http.answers import Answer
from tests.integration.world import MakeWorld, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

URL = "https://callvault.example/api/recordings"
CONSENT = {"basis": "consent", "reference": "ticket 4711", "obtainedAt": "2026-11-21T09:00:00+01:00"}
KEPT = {"basis": "consent", "reference": "ticket 4711", "obtainedAt": "2026-11-21T08:00:00Z"}


@pytest_asyncio.fixture(loop_scope="session")
async def world(make_world: MakeWorld) -> World:
    made: World = await make_world(REQUIRE_CONSENT="true")
    return made


async def start(world: World, call: dict[str, Any], **fields: Any) -> Answer:
    body = json.dumps({"serverCallId": call["serverCallId"], **fields}).encode()
    return await world.commands.start(body, url=URL, idempotency_key=None, by="ada")


async def view(world: World, recording_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads((await world.commands.get(recording_id)).body)
    return shown


async def unconsented(world: World) -> str:
    """A recording that is paused in ACS until consent comes, like an automatic one."""
    call = await world.acs("POST", "/calls")
    started = await world.app.clients.calls.start_recording(server_call_id=call["serverCallId"], pause_on_start=True)
    return str(started.recording_id)


async def test_a_start_without_consent_is_refused(world: World):
    call = await world.acs("POST", "/calls")
    for fields in ({}, {"pauseOnStart": True}, {"consent": None}):
        answer = await start(world, call, **fields)
        assert (answer.status, json.loads(answer.body)["reason"]) == (403, "consent-required")
    found = await world.acs("GET", "/recordings")
    assert call["serverCallId"] not in [one["serverCallId"] for one in found]


@pytest.mark.storage("memory", "azurite")
async def test_consent_is_stored_with_the_recording_shown_and_audited(world: World):
    call = await world.acs("POST", "/calls")
    answer = await start(world, call, consent=CONSENT)
    assert answer.status == 201, answer.body
    recording_id = json.loads(answer.body)["recordingId"]
    shown = await view(world, recording_id)
    assert shown["consent"] == KEPT
    (entry,) = shown["history"]
    assert (entry["action"], entry["by"]) == ("start", "ada")
    assert entry["details"] == {**CONSENT, "obtainedAt": "2026-11-21T08:00:00+00:00"}
    assert (await world.commands.pause(recording_id, by="ada")).status == 200
    assert (await world.commands.resume(recording_id, by="ada")).status == 200, "its consent is stored"


async def test_a_recording_without_consent_stays_paused_until_a_resume_with_consent(world: World):
    recording_id = await unconsented(world)
    refused = await world.commands.resume(recording_id, by="ada")
    assert (refused.status, json.loads(refused.body)["reason"]) == (403, "consent-required")
    assert (await view(world, recording_id))["acsState"] == "inactive"
    body = json.dumps({"consent": CONSENT}).encode()
    for _ in range(2):
        answer = await world.commands.resume(recording_id, body, by="bob")
        assert (answer.status, json.loads(answer.body)["state"]) == (200, "active")
    shown = await view(world, recording_id)
    assert (shown["acsState"], shown["consent"]) == ("active", KEPT)
    assert [(entry["action"], entry["by"]) for entry in shown["history"]] == [
        ("consent", "bob"),
        ("resume", "bob"),
        ("resume", "bob"),
    ]
    due = world.gateways.worklist.due(SystemClock().now() + world.settings.files_awaited)
    assert key_of(recording_id) in [item.recording_key async for item in due], "its files are awaited"


async def test_consent_is_stored_before_a_resume_so_a_repeated_resume_needs_none(world: World):
    recording_id = await unconsented(world)

    async def down(*_: Any) -> None:
        raise SourceUnavailable("ACS cannot be reached")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CallRecorder, "resume", down)
        body = json.dumps({"consent": CONSENT}).encode()
        assert (await world.commands.resume(recording_id, body, by="ada")).status == 503
    shown = await view(world, recording_id)
    assert (shown["acsState"], shown["consent"]) == ("inactive", KEPT)
    assert (await world.commands.resume(recording_id, by="ada")).status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"),
        (b"[]", "body"),
        (b'{"consnet": {}}', "consnet"),
        (b'{"consent": {}}', "consent.basis"),
        (b'{"consent": {"basis": "", "reference": "x", "obtainedAt": "2026-11-21T09:00:00Z"}}', "consent.basis"),
        (b'{"consent": {"basis": "x", "reference": "x", "obtainedAt": "yesterday"}}', "consent.obtainedAt"),
        (b'{"consent": {"basis": "x", "reference": "x", "obtainedAt": "2026-11-21T09:00:00"}}', "consent.obtainedAt"),
        (b'{"consent": {"basis": "x", "reference": "x", "obtainedAt": "2999-11-21T09:00:00Z"}}', "consent.obtainedAt"),
        (b'{"consent": {"basis": "x", "reference": "x", "obtainedAt": 1795252800}}', "consent.obtainedAt"),
        (b'{"consent": {"basis": "x", "reference": "x", "obtainedAt": "1795252800"}}', "consent.obtainedAt"),
        (b'{"consent": {"basis": " ", "reference": "x", "obtainedAt": "2026-11-21T09:00:00Z"}}', "consent.basis"),
        (rb'{"consent": {"basis": "\u0007", "reference": "x", "obtainedAt": "2026-11-21T09:00:00Z"}}', "consent.basis"),
    ],
)
async def test_invalid_consent_is_refused_and_the_field_is_named(world: World, body: bytes, field: str):
    answer = await world.commands.resume("cmVj", body, by="ada")
    assert answer.status == 400
    assert field in [error["field"] for error in json.loads(answer.body)["errors"]]


async def test_consent_for_an_unknown_recording_is_not_stored(world: World):
    body = json.dumps({"consent": CONSENT}).encode()
    for _ in range(2):
        assert (await world.commands.resume("bm9ib2R5", body, by="ada")).status == 404
    assert await world.gateways.catalogue.recording(key_of("bm9ib2R5")) == (None, ())


async def test_consent_is_stored_before_acs_is_asked(world: World):
    call = await world.acs("POST", "/calls")
    asked = []
    start_in_acs = CallRecorder.start

    async def look_first(self: CallRecorder, request: StartRecording, repeatability: Repeatability) -> Started:
        noted = await world.gateways.starts.find(key_of(repeatability.request_id))
        assert noted is not None
        asked.append(noted)
        return await start_in_acs(self, request, repeatability)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CallRecorder, "start", look_first)
        assert (await start(world, call, consent=CONSENT)).status == 201
    (noted,) = asked
    assert noted.asked is not None
    assert (noted.asked.consent_basis, noted.asked.consent_reference) == ("consent", "ticket 4711")
    left = await world.gateways.starts.find(noted.start_id)
    assert left is not None
    assert (left.asked, left.entry) == (None, None), "the ledger has it now"


async def stored_starts(world: World) -> set[str]:
    links = world.app.clients.tables.get_table_client(world.settings.links_table)
    return {row["PartitionKey"] async for row in links.query_entities("RowKey eq 'start'")}


async def test_the_request_of_a_refused_start_is_not_kept(world: World):
    call = await world.acs("POST", "/calls")
    assert (await start(world, call, consent=CONSENT)).status == 201
    before = await stored_starts(world)
    assert (await start(world, call, consent=CONSENT)).status == 409, "the call is being recorded already"
    assert await stored_starts(world) == before


async def test_the_request_of_a_start_without_a_clear_answer_is_kept_although_a_repeated_one_is_refused(world: World):
    """ACS may have carried out the first one: its callback needs the request, and the ledger needs the consent."""
    before, call = await stored_starts(world), await world.acs("POST", "/calls")
    answers = [SourceUnavailable("ACS can't be reached"), SourceThrottled("busy"), AlreadyRecording("8553")]

    async def refuse(*_: Any) -> Started:
        raise answers.pop(0)

    body = json.dumps({"serverCallId": call["serverCallId"], "consent": CONSENT}).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CallRecorder, "start", refuse)
        for status in (503, 429, 409):
            answer = await world.commands.start(body, url=URL, idempotency_key=call["serverCallId"][:100], by="ada")
            assert answer.status == status
    assert len(await stored_starts(world) - before) == 1


async def test_optional_consent_is_stored_too(make_world: MakeWorld):
    world: World = await make_world()
    call = await world.acs("POST", "/calls")
    recording_id = json.loads((await start(world, call, consent=CONSENT)).body)["recordingId"]
    assert (await view(world, recording_id))["consent"] == KEPT
