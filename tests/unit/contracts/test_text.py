"""Free text of callers: invisible or reordering characters would deceive readers."""

import json
import re
from typing import Any

import pytest

from shared.contracts.auto_record import read_rules
from shared.contracts.http.consent import parse_resume
from shared.contracts.http.start_request import StartRecording, parse_start
from shared.errors import InvalidRequest

HIDDEN = (
    *("\x00", "\t", "\n", "\r", "\x1b", "\x7f", "\x85", "\x9f"),
    *(chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)),
    *("\u200b", "\u200c", "\u200d", "\ufeff", "\u2060", "\u00ad", "\u180e", "\u2028", "\u2029", "\U000e0041"),
)
CONSENT = {"basis": "consent", "reference": "ticket 4711", "obtainedAt": "2026-11-21T09:00:00Z"}
FIELDS = ("correlation", "consent.basis", "consent.reference", "roomId", "callConnectionId", "participantOrdering.0")
PERSIAN = "رضایت\u200cنامه ۱۲"  # noqa: RUF001 - a letter of consent, as Persian spells it
HINDI = "क्\u200dष सहमति र्\u200cय"
PLAIN = (
    *(
        "file 12/2026",
        "Ünïcödé „quoted“ 'text' <b>&amp;</b>",
        "日本語の同意書",
        "เอกสาร ๑๒",
        "اتفاقية ١٢",
        "הסכמה 12",
        "📁 4711",
    ),
    *(PERSIAN, HINDI),
)
MISPLACED = (
    *(f"{PERSIAN}م\u200c", f"\u200c{PERSIAN}", PERSIAN.replace("\u200c", "\u200c\u200c")),
    *("क\u200d", "क्\u200d\u200d", "a\u200cb", "👩\u200d💻"),
)


def start(field: str, value: str) -> StartRecording:
    body: dict[str, Any] = {"consent": dict(CONSENT)}
    name, _, inner = field.partition(".")
    if name == "consent":
        body["consent"][inner] = value
    elif name == "participantOrdering":
        body |= {"channel": "unmixed", "participantOrdering": [value]}
    else:
        body[name] = value
    if name not in ("roomId", "callConnectionId"):
        body["serverCallId"] = "AAAA"
    return parse_start(json.dumps(body).encode())


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("hidden", HIDDEN, ids=lambda one: f"U+{ord(one):04X}")
def test_no_field_accepts_an_invisible_character(field: str, hidden: str):
    for value in (f"case{hidden}4711", f"{hidden}case", f"case{hidden}"):
        with pytest.raises(InvalidRequest) as refused:
            start(field, value)
        (error,) = refused.value.fields
        assert error.field == field
        assert "zero-width character at position" in error.detail or "begins with a space" in error.detail
        assert hidden not in str(refused.value), "the character would deceive here, too"


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", PLAIN)
def test_every_script_is_accepted_with_the_joiners_that_its_spelling_needs(field: str, value: str):
    assert value in start(field, value).model_dump_json()


@pytest.mark.parametrize("value", MISPLACED)
def test_a_joiner_between_other_characters_is_refused(value: str):
    with pytest.raises(InvalidRequest, match="zero-width"):
        start("correlation", value)


def test_the_error_names_the_position_of_the_character():
    with pytest.raises(InvalidRequest, match="at position 5: remove it"):
        start("correlation", "case\u202e4711")


def test_resume_and_automatic_recording_refuse_the_same_characters():
    with pytest.raises(InvalidRequest, match=re.escape("consent.reference: contains a control")):
        parse_resume(json.dumps({"consent": CONSENT | {"reference": "ticket\u200b"}}).encode())
    with pytest.raises(ValueError, match=re.escape("AUTO_RECORD: rule 0.correlation: contains a control")):
        read_rules(json.dumps({"correlation": "case\u2066"}))


def test_the_schema_matches_the_check():
    pattern = re.compile(
        StartRecording.model_json_schema()["oneOf"][0]["properties"]["correlation"]["anyOf"][0]["pattern"]
    )
    assert all(pattern.fullmatch(value) for value in PLAIN)
    assert not any(pattern.fullmatch(f"a{hidden}b") for hidden in HIDDEN if ord(hidden) <= 0xFFFF)
