"""Event Grid's `CallStarted`: ACS reports a VoIP call and its kind."""

import re
from dataclasses import dataclass
from typing import Any

from shared.contracts import lenient_json
from shared.contracts.auto_record import CallKind
from shared.contracts.events.recording_event import UnreadableEvent, event_type
from shared.contracts.lenient_json import Members

CALL_STARTED = "Microsoft.Communication.CallStarted"

_BASE64 = re.compile(r"[A-Za-z0-9+/=_-]{1,4096}")


@dataclass(frozen=True, kw_only=True)
class CallStarted:
    """The event data that Callvault uses; participants aren't among them. Invalid fields are unknown."""

    server_call_id: str
    is_two_party: bool | None = None
    is_rooms_call: bool | None = None
    in_group: bool = False
    in_room: bool = False
    unknown: tuple[str, ...] = ()  # paths of invalid fields

    @property
    def kind(self) -> CallKind:
        if self.is_rooms_call or self.in_room:
            return CallKind.ROOM
        return CallKind.TWO_PARTY if self.is_two_party and not self.in_group else CallKind.GROUP


def is_call_started(envelope: dict[str, Any]) -> bool:
    return event_type(envelope).lower() == CALL_STARTED.lower()


def read_call_started(envelope: dict[str, Any]) -> CallStarted:
    """Raises UnreadableEvent if the event has no valid serverCallId."""
    outer = Members(envelope)
    data = outer.inner("data")
    server_call_id = data.read("serverCallId", _server_call_id)
    if server_call_id is None:
        raise UnreadableEvent(f"{data.path('serverCallId')}: is missing or invalid")
    return CallStarted(
        server_call_id=server_call_id,
        is_two_party=data.read("isTwoParty", lenient_json.flag),
        is_rooms_call=data.read("isRoomsCall", lenient_json.flag),
        in_group=_is_named(data.inner("group")),
        in_room=_is_named(data.inner("room")),
        unknown=tuple(outer.unknown),
    )


def _server_call_id(value: Any) -> str | None:
    return value if isinstance(value, str) and _BASE64.fullmatch(value) else None


def _is_named(members: Members) -> bool:
    """Without a group, its ID may be empty or all zeros."""
    named = members.read("id", lambda value: value if isinstance(value, str) else None)
    return bool(named and named.strip("0-"))
