"""A person has several spellings. If two of them had different digests, a search would miss recordings silently."""

import pytest

from shared.domain.participant_ids import ACCEPTED, normalized, searched

NUMBER = "4:+49301234567"
USER = "5f1c6c14-0f9a-4c58-b2f1-1c4f6a8c9d27"
ACS_USER = f"{USER}_00000024-aaaa-bbbb-cccc-000000000001"


@pytest.mark.parametrize(
    "written",
    [
        "4:+49301234567",
        "+49301234567",
        "+49 30 1234567",
        "+49 (0)30 / 123-4567",
        "0049 30 1234567",
        "0049301234567",
        " +49\u00a030\u00a01234567 ",
        "tel:+49-30-1234567",
        "4:0049301234567",
        "4: +49 30 1234567",
        "TEL:+49301234567",
    ],
)
def test_a_telephone_number_has_one_spelling(written: str):
    assert normalized(written) == NUMBER
    assert searched(written)[0] == NUMBER


@pytest.mark.parametrize(
    ("written", "spelling"),
    [
        (f"8:orgid:{USER}", f"8:orgid:{USER}"),
        (USER.upper(), f"8:orgid:{USER}"),
        (ACS_USER, f"8:acs:{ACS_USER}"),
        (f"8:acs:{ACS_USER}".upper(), f"8:acs:{ACS_USER}"),
        ("28:orgid:bot", "28:orgid:bot"),
        ("8:gcch:someone", "8:gcch:someone"),
        ("4:anonymous", "4:anonymous"),
        ("4:030 1234567", "4:030 1234567"),  # without a country code it could be several people's
        ("4:+4912", "4:+4912"),
        ("+1 202-555-0143", "4:+12025550143"),
    ],
)
def test_other_ids_have_one_spelling_too(written: str, spelling: str):
    assert normalized(written) == spelling
    assert searched(written)[0] == spelling


@pytest.mark.parametrize("raw", [NUMBER, f"8:acs:{ACS_USER}", f"8:orgid:{USER}", "8:acs:Odd", "28:bot", "4:unknown"])
def test_ids_as_acs_writes_them_keep_the_digest_of_earlier_versions(raw: str):
    """Otherwise entries that an earlier version wrote would no longer be found."""
    assert normalized(raw) == raw.strip().lower()


def test_a_raw_id_in_an_odd_spelling_is_also_searched_for_as_it_is():
    assert searched("4:0049 30 1234567") == (NUMBER, "4:0049 30 1234567")
    assert searched("+49 30 1234567") == (NUMBER,)


@pytest.mark.parametrize("text", [normalized("+49 30 1234567"), normalized(USER), normalized("Odd Text"), "4:0049"])
def test_a_normalized_id_stays_as_it_is(text: str):
    assert normalized(text) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("8:orgid:ada@contoso.com", "e-mail address"),
        ("ada@contoso.com", "e-mail address"),
        ("030 1234567", "without a country code"),
        ("49301234567", "without a country code"),
        ("+49 1", "can't be a person's ID"),
        ("+999 12345678", "can't be a person's ID"),
        ("Ada", "can't be a person's ID"),
        ("4:", "can't be a person's ID"),
        ("8:" + "x" * 1030, "can't be a person's ID"),
    ],
)
def test_what_can_t_be_a_person_s_id_is_refused_with_the_accepted_forms(text: str, why: str):
    with pytest.raises(ValueError, match=why) as raised:
        searched(text)
    assert ACCEPTED in str(raised.value)
    assert text not in str(raised.value).replace(ACCEPTED, ""), "it may be personal data"
