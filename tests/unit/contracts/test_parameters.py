"""URL parameters: a typo gets the parameter that it resembles, and an ambiguous URL is refused."""

import pytest

from shared.contracts.http.link_query import parse_link
from shared.contracts.http.list_query import parse_list
from shared.contracts.http.parameters import refuse_repeated
from shared.errors import InvalidRequest

URL = "https://app.example/api/recordings"


@pytest.mark.parametrize(
    ("name", "meant"),
    [("coursor", "cursor"), ("Limit", "limit"), ("corelation", "correlation"), ("serverCallID", "serverCallId")],
)
def test_a_typo_gets_the_parameter_that_it_resembles(name: str, meant: str):
    with pytest.raises(InvalidRequest) as raised:
        parse_list({name: "x"}, participant=None)
    (error,) = raised.value.fields
    assert (error.field, error.detail) == (name, f"isn't a known parameter: did you mean {meant}?")


def test_a_name_that_resembles_none_gets_all_of_them():
    with pytest.raises(InvalidRequest, match="remove it, or use one of disposition, redirect"):
        parse_link({"colour": "blue"})


@pytest.mark.parametrize("name", ["participant", "participantId", "X-Participant-Id", "Participants"])
def test_a_participant_in_the_url_is_refused_with_the_header(name: str):
    with pytest.raises(InvalidRequest, match="send it in the header X-Participant-Id"):
        parse_list({name: "8:acs:a"}, participant=None)


@pytest.mark.parametrize("query", ["limit=1&limit=2", "limit=1&LIMIT=1", "limit=&limit=1", "a=1&limit=1&limi%74=2"])
def test_a_parameter_that_is_given_twice_is_refused(query: str):
    """The host joins the values, and the error would be about a value that nobody sent."""
    with pytest.raises(InvalidRequest) as raised:
        refuse_repeated(f"{URL}?{query}")
    (error,) = raised.value.fields
    assert (error.field, error.detail) == ("limit", "is given more than once: send it once")


def test_parameters_that_are_given_once_are_accepted():
    refuse_repeated(f"{URL}?limit=1&cursor=a%26limit%3D2")
    refuse_repeated(URL)
