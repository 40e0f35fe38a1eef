"""Participants' IDs: one spelling for each person, in the lists of participants and in searches.

ACS's metadata contain raw IDs: a kind and a colon, then the ID. `4:` precedes a telephone number in the form +E.164,
`8:acs:` a Communication Services user, `8:orgid:` a Teams user. Source:
https://learn.microsoft.com/azure/communication-services/concepts/identifiers

People also write numbers with spaces, with 00 or without the kind. `normalized` maps these spellings to one. It leaves
each ID that ACS writes as described above unchanged, apart from its case. List entries of earlier versions, which
normalized only the case, therefore keep their digests.

The library phonenumbers takes a tenth of a second to load, so it is loaded for unusual spellings only.
"""

import re

MOST_CHARACTERS = 1024
_RAW = re.compile(r"[0-9]{1,3}:\S.*")
_TELEPHONE = "4:"
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_WRITTEN_NUMBER = re.compile(r"(?:tel:)?\s*(?:\+|00)[0-9\s()./\u00a0\u2010-\u2015-]{6,40}")
_GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TEAMS_USER = re.compile(_GUID)
_TEAMS_ADDRESS = re.compile(r"8:orgid:.*@.*")  # ACS writes the object ID of a Teams user, never the address
_ACS_USER = re.compile(rf"{_GUID}_{_GUID}")
_NATIONAL_NUMBER = re.compile(r"[0-9\s()./-]{3,40}")

ACCEPTED = (
    "a telephone number with its country code, such as +49 30 1234567, 0049 30 1234567 or 4:+49301234567; a raw ID of "
    "ACS, such as 8:acs:<resource>_<user>; or the object ID of a Teams user, with or without 8:orgid: before it"
)


def normalized(participant_id: str) -> str:
    """The one spelling of an ID. An ID in an unknown form only gets lower case."""
    text = participant_id.strip().lower()
    kind, number = (_TELEPHONE, text.removeprefix(_TELEPHONE)) if text.startswith(_TELEPHONE) else ("", text)
    if (kind or _WRITTEN_NUMBER.fullmatch(text)) and (found := _e164(number)) is not None:
        return f"{_TELEPHONE}{found}"
    if _TEAMS_USER.fullmatch(text):
        return f"8:orgid:{text}"
    return f"8:acs:{text}" if _ACS_USER.fullmatch(text) else text


def searched(text: str) -> tuple[str, ...]:
    """The spellings under which a person is listed: the normalized one and, for a raw ID, its own.

    An earlier version listed a raw ID under its own spelling. Raises ValueError, without the text, for a text that
    can't be a person's ID.
    """
    given, found = text.strip().lower(), normalized(text)
    is_raw = _RAW.fullmatch(given) is not None
    if len(given) > MOST_CHARACTERS or _RAW.fullmatch(found) is None or _TEAMS_ADDRESS.fullmatch(given):
        raise ValueError(f"{_advice(given)} Send {ACCEPTED}")
    return tuple(dict.fromkeys((found, given))) if is_raw else (found,)


def _advice(given: str) -> str:
    if "@" in given:
        return "is an e-mail address, which recordings don't contain."
    if _NATIONAL_NUMBER.fullmatch(given):
        return "is a telephone number without a country code, or not a possible one."
    return "can't be a person's ID."


def _e164(number: str) -> str | None:
    """A telephone number as + and digits. None without a country code, or if no number can have this form."""
    if _E164.fullmatch(number):
        return number
    number = number.strip().removeprefix("tel:").strip()
    if number.startswith("00"):
        number = f"+{number[2:]}"
    if not number.startswith("+"):
        return None
    import phonenumbers  # noqa: PLC0415 - see above

    try:
        found = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(found):
        return None
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
