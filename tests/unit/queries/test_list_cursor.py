"""A cursor belongs to the filters of its list, and tells nothing about the participant that was searched for."""

from datetime import UTC, datetime

import pytest

from shared.contracts.http.list_query import PARTICIPANT_HEADER, ListQuery
from shared.domain.keys import key_of, pseudonym_of
from shared.domain.list_entry import ListEntry
from shared.errors import InvalidRequest
from shared.queries.list_cursor import cursor_after, filters_of, position

ENTRY = ListEntry(at=datetime(2026, 3, 14, tzinfo=UTC), recording_key=key_of("one"))


def filters(participant: str, secret: str = "secret") -> str:
    return filters_of(ListQuery.model_validate({PARTICIPANT_HEADER: participant}), (pseudonym_of(participant, secret),))


def test_a_cursor_continues_after_its_entry_with_the_same_filters():
    assert position(cursor_after(ENTRY, filters("8:acs:a")), filters("8:acs:a")) == ENTRY
    assert position(None, filters("8:acs:a")) is None


def test_a_cursor_of_one_participant_is_refused_for_another():
    with pytest.raises(InvalidRequest, match="other filters"):
        position(cursor_after(ENTRY, filters("8:acs:a")), filters("8:acs:b"))


def test_a_cursor_can_t_be_used_to_guess_the_participant():
    assert filters("4:+4915112345678", "one secret") != filters("4:+4915112345678", "another secret")
