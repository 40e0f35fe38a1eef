"""An invalid AUTO_RECORD rule stops the app at its start, not the recording of a call."""

import pytest

from shared.contracts.auto_record import CallKind, Trigger, read_rules
from shared.contracts.events.call_started import read_call_started
from shared.contracts.events.recording_event import UnreadableEvent


@pytest.mark.parametrize("text", ["off", "OFF", "", " ", "false", "[]"])
def test_off_means_no_rules(text):
    assert read_rules(text) == ()


def test_a_rule_sets_the_event_the_calls_and_the_options():
    room, anything = read_rules(
        '[{"on": ["CallStarted"], "calls": ["room"], "format": "mp3", "correlation": "rooms"}, {}]'
    )
    assert room.meets(Trigger.CALL_STARTED, CallKind.ROOM)
    assert not room.meets(Trigger.CALL_STARTED, CallKind.GROUP)
    assert not room.meets(Trigger.CALL_CONNECTED, None)
    assert room.wanted() == {"format": "mp3", "correlation": "rooms"}
    assert anything.meets(Trigger.CALL_CONNECTED, None)
    assert anything.meets(Trigger.CALL_STARTED, CallKind.TWO_PARTY)
    assert read_rules('{"on": ["CallConnected"]}')[0].can_be_met(callbacks=True)
    assert not read_rules('{"on": ["CallConnected"]}')[0].can_be_met(callbacks=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("on", "must be off, or one or more rules in JSON"),
        ('["group"]', "rule 0"),
        ('[{}, {"on": []}]', "rule 1.on"),
        ('{"on": ["CallEnded"]}', "rule 0.on"),
        ('{"calls": ["group"]}', "doesn't contain the kind"),
        ('{"format": "mp4", "channel": "unmixed"}', "ACS records unmixed audio as wav only"),
        ('{"fromat": "mp4"}', "rule 0.fromat"),
    ],
)
def test_an_invalid_rule_is_named_with_its_fix(text, message):
    with pytest.raises(ValueError, match="AUTO_RECORD: ") as refused:
        read_rules(text)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"group": {"id": "g"}, "isTwoParty": False}, CallKind.GROUP),
        ({"group": {"id": "g"}, "isTwoParty": True}, CallKind.GROUP),
        ({"isTwoParty": True}, CallKind.TWO_PARTY),
        ({"room": {"id": "r"}, "isTwoParty": True}, CallKind.ROOM),
        ({"isRoomsCall": True, "group": {"id": None}}, CallKind.ROOM),
        ({"group": {"id": "00000000-0000-0000-0000-000000000000"}, "isTwoParty": True}, CallKind.TWO_PARTY),
        ({"isTwoParty": None, "isRoomsCall": None}, CallKind.GROUP),
        ({}, CallKind.GROUP),
    ],
)
def test_call_started_distinguishes_rooms_and_two_party_calls(data, kind):
    assert read_call_started({"data": {"serverCallId": "AAAA", **data}}).kind is kind


@pytest.mark.parametrize("data", [None, {}, {"serverCallId": ""}, {"serverCallId": "a\u0000"}, {"serverCallId": 7}])
def test_call_started_without_a_call_is_unreadable(data):
    with pytest.raises(UnreadableEvent):
        read_call_started({"data": data})
