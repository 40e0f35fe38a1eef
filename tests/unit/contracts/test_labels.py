"""Labels come from callers and go into table rows, blob metadata, list names and file names."""

import json
from typing import Any

import pytest

from shared.contracts.auto_record import read_rules
from shared.contracts.http.label_fields import read_labels
from shared.contracts.http.list_query import parse_list
from shared.contracts.http.start_request import parse_start
from shared.domain.labels import MOST_BYTES, labels_of, text_of
from shared.errors import InvalidRequest


def labelled(labels: Any) -> dict[str, str]:
    return parse_start(json.dumps({"roomId": "1", "labels": labels}).encode()).labels


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"case": "4711"},
        {"Team.A-b_1": "Kälte & Klima = gut; 100 %"},
        {"n" * 32: "v" * 256},
        {f"n{number}": "v" for number in range(10)},
        {"city": "東京"},
    ],
)
def test_labels_are_stored_as_one_text_and_read_back(labels: dict[str, str]):
    assert labelled(labels) == labels
    assert labels_of(text_of(labels)) == read_labels(text_of(labels)) == labels
    assert labels_of(None) == {}


@pytest.mark.parametrize(
    ("labels", "field", "fix"),
    [
        ({f"n{number}": "v" for number in range(11)}, "labels", "at most 10"),
        ({"1case": "v"}, "labels.1case", "a letter, then up to 31"),
        ({"a=b": "v"}, "labels.a=b", "a letter, then up to 31"),
        ({"a" * 33: "v"}, "labels." + "a" * 33, "a letter, then up to 31"),
        ({"Ärger": "v"}, "labels.Ärger", "a letter, then up to 31"),
        ({"case": ""}, "labels.case", "at least 1"),
        ({"case": "v" * 257}, "labels.case", "at most 256"),
        ({"case": "a\nb=c"}, "labels.case", "control"),
        ({"case": "\u202egnp"}, "labels.case", "bidirectional"),
        ({"case": 4711}, "labels.case", "string"),
        ({"case": None}, "labels.case", "string"),
        ({"a": "ü" * 256, "b": "ü" * 256}, "labels", f"at most {MOST_BYTES} bytes"),
        (["case"], "labels", "object"),
    ],
)
def test_invalid_labels_are_refused_with_the_fix(labels: Any, field: str, fix: str):
    with pytest.raises(InvalidRequest) as raised:
        labelled(labels)
    (error,) = raised.value.fields
    assert error.field == field
    assert fix in error.detail


def test_labels_of_a_rule_are_part_of_its_start():
    (rule,) = read_rules('[{"labels": {"source": "rule"}}]')
    assert rule.wanted() == {"labels": {"source": "rule"}}
    with pytest.raises(ValueError, match="a letter, then up to 31"):
        read_rules('[{"labels": {"1": "x"}}]')


@pytest.mark.parametrize("label", ["case=4711", "case=a=b", "case=Kälte & Klima"])
def test_a_list_can_be_filtered_by_name_and_value(label: str):
    assert parse_list({"label": label}, participant=None).label == label


@pytest.mark.parametrize("label", ["case", "case=", "=4711", "1=2", ""])
def test_an_invalid_filter_names_the_form(label: str):
    with pytest.raises(InvalidRequest, match="label: must be a name and a value, such as case=4711"):
        parse_list({"label": label}, participant=None)


def test_labels_that_someone_else_wrote_to_a_blob_are_read_with_care():
    written = "good=yes\n1bad=x\nno separator\nempty=\nhidden=a\u202eb\nescape=\x1b[2J\n" + "\n".join("abcdefghij")
    assert read_labels(written) == {"good": "yes"}
