"""Unusual and invalid events, and their expected results.

Each oddity changes an event of one recording before it is delivered. None of them may prevent archiving a chunk with a
valid documentId and content location, and none may delete a source that isn't archived.
"""

import copy
import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Event = dict[str, Any]


class End(StrEnum):
    """The expected end of a chunk whose source existed long enough."""

    RELEASED = "released"
    KEPT = "kept"  # archived; Callvault doesn't delete the source
    REFUSED = "refused"  # can't be archived: failed, or its event is in quarantine; the source is kept
    IGNORED = "ignored"  # not in the catalogue


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Events of a recording in the order of delivery, and the expected ends of their documents."""

    events: Sequence[Event]
    ends: End = End.RELEASED
    exceptions: "dict[str, End]"  # by documentId
    quarantined: bool = False  # whether part of it must be in quarantine
    corrected: bool = False  # whether the last event has other locations than the first


def oddly(name: str, event: Event, other: str, rng: random.Random) -> Delivery:
    return ODDITIES[name](copy.deepcopy(event), other, rng)


def _chunks(event: Event) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = event["data"]["recordingStorageInfo"]["recordingChunks"]
    return found


def _delivery(
    *events: Event, ends: End = End.RELEASED, quarantined: bool = False, exceptions: dict[str, End] | None = None
) -> Delivery:
    return Delivery(events=events, ends=ends, exceptions=exceptions or {}, quarantined=quarantined)


def _id(rng: random.Random) -> uuid.UUID:
    return uuid.UUID(int=rng.getrandbits(128), version=4)


def _again(event: Event, rng: random.Random) -> Event:
    """The same event with a new id."""
    return copy.deepcopy(event) | {"id": str(_id(rng))}


def _odd_start(event: Event, _other: str, rng: random.Random) -> Delivery:
    odd = ("0001-01-01T00:00:00Z", "", "2026-11-28T04:00:00", "yesterday", None, 7, "9999-12-31T23:59:59Z")
    event["data"]["recordingStartTime"] = rng.choice(odd)
    return _delivery(event)


def _odd_duration(event: Event, _other: str, rng: random.Random) -> Delivery:
    event["data"]["recordingDurationMs"] = rng.choice((-5, 1.5, "12", None, [], 10**30))
    return _delivery(event)


def _odd_index(event: Event, _other: str, rng: random.Random) -> Delivery:
    first = _chunks(event)[0]
    if rng.random() < 0.2:  # noqa: PLR2004 - one in five
        del first["index"]
    else:
        first["index"] = rng.choice((None, "zero", -1, 0.5, {}))
    return _delivery(event)


def _odd_word(event: Event, _other: str, rng: random.Random) -> Delivery:
    words = ("recordingContentType", "recordingChannelType", "recordingFormatType", "sessionEndReason", "recordingId")
    event["data"][rng.choice(words)] = rng.choice((5, [], {}, True, "\ud83c\udfa4", "x" * 5000))
    return _delivery(event)


def _odd_end_reason(event: Event, _other: str, rng: random.Random) -> Delivery:
    _chunks(event)[0]["endReason"] = rng.choice(("Beendet\u2013 ueberzogen", 3, None, "é" * 300, []))
    return _delivery(event)


def _odd_spelling(event: Event, _other: str, _rng: random.Random) -> Delivery:
    data = {name[:1].upper() + name[1:]: value for name, value in event["data"].items()}
    info = data["RecordingStorageInfo"]
    info["RecordingChunks"] = [
        {name[:1].upper() + name[1:]: value for name, value in chunk.items()} for chunk in info.pop("recordingChunks")
    ]
    return _delivery(event | {"data": data | {"unheardOf": {"deep": [1, {"er": None}]}}})


def _no_delete_location(event: Event, _other: str, rng: random.Random) -> Delivery:
    for chunk in _chunks(event):
        if rng.random() < 0.5:  # noqa: PLR2004 - even odds
            del chunk["deleteLocation"]
        else:
            chunk["deleteLocation"] = None
    return _delivery(event, ends=End.KEPT)


def _foreign_delete_location(event: Event, other: str, _rng: random.Random) -> Delivery:
    first = _chunks(event)[0]
    first["deleteLocation"] = first["deleteLocation"].replace(first["documentId"], other)
    return _delivery(event, exceptions={first["documentId"]: End.KEPT})


def _bad_among_good(event: Event, _other: str, rng: random.Random) -> Delivery:
    bad = copy.deepcopy(_chunks(event)[0])
    bad["documentId"] = rng.choice((None, "", 7, []))
    _chunks(event).insert(rng.randint(0, 1), bad)
    return _delivery(event, quarantined=True)


def _forged_host(event: Event, _other: str, _rng: random.Random) -> Delivery:
    first = _chunks(event)[0]
    first["contentLocation"] = f"https://media.example.org/v1/objects/{first['documentId']}/content/video"
    return _delivery(event, exceptions={first["documentId"]: End.REFUSED})


def _corrected(event: Event, _other: str, rng: random.Random) -> Delivery:
    """First an event with invalid locations, then the correct one."""
    wrong = copy.deepcopy(event)
    for chunk in _chunks(wrong):
        for name in ("contentLocation", "metadataLocation", "deleteLocation"):
            chunk[name] = chunk[name].replace(chunk["documentId"], f"0-nowhere-d0-{_id(rng).hex}")
    return Delivery(events=(wrong, _again(event, rng)), exceptions={}, corrected=True)


def _two_recordings(event: Event, _other: str, rng: random.Random) -> Delivery:
    """The same documents, filed under another recording by a later event."""
    other = _again(event, rng)
    head, label, recording_id = other["subject"].rpartition("/recordingId/")
    other["subject"] = f"{head}{label}{recording_id[:-4]}{_id(rng).hex[:4]}"
    return _delivery(event, other) if label else _delivery(event)


def _of_the_customers_storage(event: Event, _other: str, _rng: random.Random) -> Delivery:
    event["data"]["storageType"] = "AzureBlob"
    for chunk in _chunks(event):
        for name in ("contentLocation", "metadataLocation", "deleteLocation"):
            chunk[name] = f"https://customer.blob.core.windows.net/landing/{chunk['documentId']}/{name}"
    return _delivery(event, ends=End.IGNORED)


ODDITIES: dict[str, Callable[[Event, str, random.Random], Delivery]] = {
    "odd start": _odd_start,
    "odd duration": _odd_duration,
    "odd index": _odd_index,
    "odd word": _odd_word,
    "odd end reason": _odd_end_reason,
    "odd spelling": _odd_spelling,
    "no delete location": _no_delete_location,
    "foreign delete location": _foreign_delete_location,
    "bad among good": _bad_among_good,
    "forged host": _forged_host,
    "corrected": _corrected,
    "two recordings": _two_recordings,
    "customer's storage": _of_the_customers_storage,
}
