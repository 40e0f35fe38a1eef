"""Requests that ACS would refuse with an unclear error are refused here, with the field, the error and the fix."""

import base64
import json
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from shared.contracts.http.consent import parse_resume
from shared.contracts.http.start_request import Channel, Content, MediaFormat, StartRecording, parse_start
from shared.errors import InvalidRequest

SERVER_CALL = base64.b64encode(b"https://conv-uswe-09.conv.skype.com/conv/abc?i=10&e=638").decode()


def body(**fields: Any) -> bytes:
    return json.dumps({"serverCallId": SERVER_CALL} | fields).encode()


def refusal(raw: bytes) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as raised:
        parse_start(raw)
    return raised.value


@pytest.mark.parametrize(
    "locator",
    [
        {"serverCallId": SERVER_CALL},
        {"serverCallId": SERVER_CALL.rstrip("=")},
        {"serverCallId": base64.urlsafe_b64encode(b"\xff\xfe").decode()},
        {"callConnectionId": "401f2a00-9d3a-4f4f-8e0a-6f0e2b0c1d2e"},
        {"groupCallId": "b0a5e6ad-7b26-4a05-9a4b-0ecf2d9cb6a4"},
        {"roomId": "99466898241024408"},
    ],
)
def test_each_of_the_four_ids_names_a_call(locator: dict[str, str]):
    assert isinstance(parse_start(json.dumps(locator).encode()), StartRecording)


def test_the_default_is_mixed_audio_and_video_as_mp4():
    assert parse_start(body()).kind() == (Content.AUDIO_VIDEO, Channel.MIXED, MediaFormat.MP4)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"format": "mp3"}, ("audio", "mixed", "mp3")),
        ({"format": "wav"}, ("audio", "mixed", "wav")),
        ({"content": "audio"}, ("audio", "mixed", "mp3")),
        ({"channel": "unmixed"}, ("audio", "unmixed", "wav")),
        ({"content": "audioVideo", "format": "mp4"}, ("audioVideo", "mixed", "mp4")),
    ],
)
def test_omitted_fields_get_the_defaults_of_acs(given: dict[str, str], kind: tuple[str, str, str]):
    assert tuple(map(str, parse_start(body(**given)).kind())) == kind


@pytest.mark.parametrize(
    ("fields", "field", "fix"),
    [
        ({"callConnectionId": "x"}, "callConnectionId", "exactly one of"),
        ({"serverCallId": None}, "serverCallId", "exactly one of"),
        ({"serverCallId": "411f6d00-0782-4bc2-8a27-9c33e3e0c9c1"}, "serverCallId", "it may be a callId"),
        ({"serverCallId": "AAAAA"}, "serverCallId", "which is base64"),
        ({"serverCallId": "AAAA===="}, "serverCallId", "which is base64"),
        ({"groupCallId": "no uuid", "serverCallId": None}, "groupCallId", "UUID"),
        ({"channel": "unmixed", "content": "audioVideo"}, "channel", "set content to audio"),
        ({"channel": "unmixed", "format": "mp4"}, "format", "as wav only"),
        ({"channel": "unmixed", "format": "mp3"}, "format", "as wav only"),
        ({"content": "audioVideo", "format": "wav"}, "format", "as mp4 only"),
        ({"content": "audio", "format": "mp4"}, "format", "as mp3 or wav only"),
        ({"content": "video"}, "content", "audio"),
        ({"pauseOnStart": "yes"}, "pauseOnStart", "boolean"),
        ({"colour": "blue"}, "colour", "use one of serverCallId"),
        ({"server_call_id": SERVER_CALL}, "server_call_id", "remove it"),
        ({"participantOrdering": ["8:acs:a"]}, "participantOrdering", "requires channel unmixed"),
        (
            {"channelAffinity": [{"participantId": "8:acs:a", "channel": 0}]},
            "channelAffinity",
            "requires channel unmixed",
        ),
        ({"stateCallbackUrl": "http://example.com/"}, "stateCallbackUrl", "HTTPS"),
        ({"stateCallbackUrl": "https://"}, "stateCallbackUrl", "HTTPS"),
        ({"correlation": ""}, "correlation", "at least 1"),
        ({"correlation": "x" * 1025}, "correlation", "at most 1024"),
    ],
)
def test_an_invalid_request_names_the_field_and_the_fix(fields: dict[str, Any], field: str, fix: str):
    given = {key: value for key, value in ({"serverCallId": SERVER_CALL} | fields).items() if value is not None}
    error = refusal(json.dumps(given).encode())
    assert [item.field for item in error.fields] == [field]
    assert fix in error.fields[0].detail


@pytest.mark.parametrize(
    ("affinity", "message"),
    [
        ([("a", 0), ("b", 0)], "contains a channel twice"),
        ([("a", 0), ("a", 1)], "contains a participant twice"),
        ([("a", 5)], "less than 5"),
        ([("a", -1)], "greater than or equal to 0"),
        ([("a", "0")], "integer"),
        ([(str(number), number) for number in range(6)], "at most 5"),
    ],
)
def test_at_most_five_channels_each_for_one_participant(affinity: list[tuple[str, Any]], message: str):
    items = [{"participantId": who, "channel": channel} for who, channel in affinity]
    error = refusal(body(channel="unmixed", channelAffinity=items))
    assert message in str(error)
    assert error.fields[0].field.startswith("channelAffinity")


def test_null_means_omitted_for_every_optional_field():
    """Logic Apps send null for an expression that gives nothing."""
    optional = {to_camel(name) for name in StartRecording.model_fields} - {"serverCallId"}
    assert parse_start(body(**dict.fromkeys(optional))) == parse_start(body())
    assert parse_resume(b'{"consent": null}') == parse_resume(b" null ") == parse_resume(b"")
    assert refusal(body(colour=None)).fields[0].field == "colour"
    assert refusal(body(channelAffinity=[None])).fields[0].field == "channelAffinity.0"
    assert {item.field for item in refusal(body(consent={"basis": None})).fields} >= {"consent.basis"}


def test_the_schema_allows_null():
    properties = StartRecording.model_json_schema()["properties"]
    assert all({"type": "null"} in item["anyOf"] for item in properties.values())


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"17", b"\xff\xfe", b'"text"'])
def test_a_body_that_isn_t_a_json_object_is_refused(raw: bytes):
    assert refusal(raw).fields[0].field == "body"


def test_an_error_never_quotes_the_request():
    secret = "8:acs:0f1e2d3c-participant"
    error = refusal(
        body(channelAffinity=[{"participantId": secret, "channel": 9}], stateCallbackUrl=f"http://x/{secret}")
    )
    assert secret not in str(error)
