"""Event Grid's `CallStarted`: ACS announces a VoIP call, and says of which kind it is."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from shared.contracts.events import UnreadableEvent, event_type
from shared.contracts.rules import CallKind

CALL_STARTED = "Microsoft.Communication.CallStarted"


class _Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, hide_input_in_errors=True)


class _Named(_Lenient):
    id: str | None = None

    def __bool__(self) -> bool:
        """Where there is no group, its id may be all zeros."""
        return bool(self.id and self.id.strip("0-"))


class CallStarted(_Lenient):
    """The event's data, as far as they matter here; who is in the call does not."""

    server_call_id: str = Field(min_length=1, max_length=4096, pattern=r"^[A-Za-z0-9+/=_-]+$")
    is_two_party: bool | None = None
    is_rooms_call: bool | None = None
    group: _Named | None = None
    room: _Named | None = None

    @property
    def kind(self) -> CallKind:
        if self.is_rooms_call or self.room:
            return CallKind.ROOM
        return CallKind.TWO_PARTY if self.is_two_party and not self.group else CallKind.GROUP


def is_call_started(envelope: dict[str, Any]) -> bool:
    return event_type(envelope).lower() == CALL_STARTED.lower()


def read_call_started(envelope: dict[str, Any]) -> CallStarted:
    """Raises UnreadableEvent naming the fields at fault."""
    try:
        return CallStarted.model_validate(envelope.get("data"))
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False, include_context=False)
        raise UnreadableEvent("; ".join(f"data.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong)) from None
