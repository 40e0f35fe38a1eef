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


CONSENT = {"basis": "contract", "reference": "4711", "obtainedAt": "2026-11-21T09:00:00Z"}


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
        ({"server_call_id": SERVER_CALL}, "server_call_id", "did you mean serverCallId?"),
        ({"ServerCallID": SERVER_CALL}, "ServerCallID", "did you mean serverCallId?"),
        ({"pauseOnstart": True}, "pauseOnstart", "did you mean pauseOnStart?"),
        ({"c" * 5000: 1}, "c" * 64 + "…", "use one of serverCallId"),
        ({"consent": CONSENT | {"refrence": "x"}}, "consent.refrence", "did you mean reference?"),
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
    for variant in StartRecording.model_json_schema()["oneOf"]:
        optional = {name: item for name, item in variant["properties"].items() if name not in variant["required"]}
        assert len(optional) > 8
        assert all({"type": "null"} in item["anyOf"] for item in optional.values())


def test_the_schema_has_a_variant_with_a_title_for_each_way_to_name_a_call():
    variants = StartRecording.model_json_schema()["oneOf"]
    titles = [one["title"] for one in variants]
    assert titles == ["StartServerCallId", "StartCallConnectionId", "StartGroupCallId", "StartRoomId"]
    assert [one["required"] for one in variants] == [
        ["serverCallId"],
        ["callConnectionId"],
        ["groupCallId"],
        ["roomId"],
    ]
    assert all("default" not in item for one in variants for item in one["properties"].values()), (
        "generators make fields with a default mandatory"
    )


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"17", b"\xff\xfe", b'"text"'])
def test_a_body_that_isn_t_a_json_object_is_refused(raw: bytes):
    assert refusal(raw).fields[0].field == "body"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "is empty"),
        (b'{"a": 1,}', "at line 1, column 8: illegal trailing comma"),
        (b'{\n  "a": "\xc3\xbc" "b"}', "at line 2, column 12: expecting ','"),
        (b'{\n "a": "\xc3\xbc\xff"}', "isn't UTF-8 at line 2, column 9"),
        (b'{"a": "\n"}', "column 8: invalid control character"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b"[" * 50_000, "too deep a structure"),
        (b'"\\ud800"', "half of a Unicode pair"),
        (b"[]", "must be a JSON object"),
    ],
)
def test_malformed_json_is_refused_with_its_place(raw: bytes, why: str):
    assert why in refusal(raw).fields[0].detail


def test_an_error_never_quotes_the_request():
    secret = "8:acs:0f1e2d3c-participant"
    error = refusal(
        body(channelAffinity=[{"participantId": secret, "channel": 9}], stateCallbackUrl=f"http://x/{secret}")
    )
    assert secret not in str(error)
