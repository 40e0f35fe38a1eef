"""Calls and their participants. Recordings are started on a call.

A call is found by any of ACS's locators. A call that has ended is refused as terminated.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from local.acs import identifiers
from local.acs.errors import ControlError, call_not_found, call_terminated, invalid_request
from local.acs.times import acs_time, acs_time_or_none, now

CallKind = Literal["group", "room", "twoParty"]
Vintage = Literal[
    "current",
    "2023",
    "2021-serverCallId",
    "2021",
    "2021-noDelete",
    "2021-04",
    "sample",
    "byos",
    "typedClient",
    "cloudEvents",
]


@dataclass(frozen=True, kw_only=True)
class Participant:
    participant_id: str
    name: str
    joined_at: datetime

    def described(self) -> dict[str, str]:
        return {"participantId": self.participant_id, "name": self.name}


@dataclass(frozen=True, kw_only=True)
class CallTraits:
    """How the service behaves for this call. The traits vary between regions, API versions and days."""

    kind: CallKind = "group"
    vintage: Vintage = "current"
    chunk_seconds: float = 14_400
    redirects: bool = False
    omit_types: bool = False
    repeat_events: int = 0
    shuffle: bool = False
    quirks: bool = False
    wild_metadata: bool = False
    oddities: bool = True


@dataclass(kw_only=True)
class Call:
    call_id: str = field(default_factory=identifiers.new_guid)
    server_call_id: str = field(default_factory=identifiers.new_server_call_id)
    call_connection_id: str = field(default_factory=identifiers.new_guid)
    correlation_id: str = field(default_factory=identifiers.new_guid)
    group_call_id: str | None = None
    room_id: str | None = None
    callback_uri: str | None = None
    """The callback URL of the application that created or answered the call."""
    traits: CallTraits = field(default_factory=CallTraits)
    started_at: datetime = field(default_factory=now)
    ended_at: datetime | None = None
    participants: list[Participant] = field(default_factory=list)
    heard: list[Participant] = field(default_factory=list)
    """Everyone who was ever in the call, in the order of joining."""
    left_at: dict[str, datetime] = field(default_factory=dict)

    def join(self, participant_id: str | None, name: str | None) -> Participant:
        joined = Participant(
            participant_id=participant_id or identifiers.new_participant_id(),
            name=name or f"Participant {len(self.heard) + 1}",
            joined_at=now(),
        )
        if any(present.participant_id == joined.participant_id for present in self.participants):
            raise ControlError(409, "the participant is already in the call")
        self.participants.append(joined)
        self.left_at.pop(joined.participant_id, None)
        if all(one.participant_id != joined.participant_id for one in self.heard):
            self.heard.append(joined)
        return joined

    def leave(self, participant_id: str) -> None:
        remaining = [one for one in self.participants if one.participant_id != participant_id]
        if len(remaining) == len(self.participants):
            raise ControlError(404, "the participant is not in the call")
        self.participants = remaining
        self.left_at[participant_id] = now()

    def present_between(self, begin: datetime, end: datetime) -> list[Participant]:
        return [
            one for one in self.heard if one.joined_at <= end and self.left_at.get(one.participant_id, end) >= begin
        ]

    def described(self) -> dict[str, Any]:
        locators = {"groupCallId": self.group_call_id, "roomId": self.room_id}
        return {
            "callId": self.call_id,
            "serverCallId": self.server_call_id,
            "callConnectionId": self.call_connection_id,
            **{name: value for name, value in locators.items() if value is not None},
            "correlationId": self.correlation_id,
            "kind": self.traits.kind,
            "vintage": self.traits.vintage,
            "startedAt": acs_time(self.started_at),
            "endedAt": acs_time_or_none(self.ended_at),
            "participants": [participant.described() for participant in self.participants],
        }


class Calls:
    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}

    def open(self, traits: CallTraits, callback_uri: str | None = None) -> Call:
        call = Call(
            traits=traits,
            callback_uri=callback_uri,
            group_call_id=identifiers.new_guid() if traits.kind == "group" else None,
            room_id=identifiers.new_room_id() if traits.kind == "room" else None,
        )
        self._calls[call.call_id] = call
        return call

    def all(self) -> list[Call]:
        return list(self._calls.values())

    def get(self, call_id: str) -> Call:
        try:
            return self._calls[call_id]
        except KeyError:
            raise ControlError(404, "no such call") from None

    def locate(self, locator: str, value: str) -> Call:
        """The running call that ACS would find. `locator` is the name of the request's field."""
        if locator == "serverCallId" and not identifiers.is_base64(value):
            raise invalid_request(
                "The input is not a valid Base-64 string as it contains a non-base 64 character, more than two "
                "padding characters, or an illegal character among the padding characters."
            )
        attribute = {
            "serverCallId": "server_call_id",
            "callConnectionId": "call_connection_id",
            "groupCallId": "group_call_id",
            "roomId": "room_id",
        }[locator]
        for call in self._calls.values():
            if (getattr(call, attribute) or "").rstrip("=") == value.rstrip("="):
                if call.ended_at is not None:
                    raise call_terminated()
                return call
        raise call_not_found()
