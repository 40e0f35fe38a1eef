"""The policy of automatic recording, as the setting AUTO_RECORD has it: which calls, upon which event, and how."""

import json
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from shared.contracts.http.bodies import Body
from shared.contracts.http.start_request import Channel, Content, Correlation, MediaFormat, parse_start
from shared.errors import InvalidRequest

_ANY_CALL = "AAAA"  # a serverCallId to try a rule with


class Trigger(StrEnum):
    """What tells that a call goes on."""

    CALL_CONNECTED = "CallConnected"  # a callback of Call Automation
    CALL_STARTED = "CallStarted"  # an event of Event Grid, for ACS VoIP calls only


class CallKind(StrEnum):
    """What CallStarted tells apart; CallConnected doesn't."""

    GROUP = "group"
    TWO_PARTY = "twoParty"
    ROOM = "room"


class AutoRecordRule(Body):
    """Records calls of these kinds upon these events, in this way; what is left out is as in a start."""

    on: Annotated[frozenset[Trigger], Field(min_length=1)] = frozenset(Trigger)
    calls: Annotated[frozenset[CallKind], Field(min_length=1)] | None = None
    content: Content | None = None
    channel: Channel | None = None
    format: MediaFormat | None = None
    correlation: Correlation | None = None

    @model_validator(mode="after")
    def _is_offered(self) -> Self:
        try:
            parse_start(json.dumps({"serverCallId": _ANY_CALL, **self.wanted()}).encode())
        except InvalidRequest as error:
            raise ValueError(str(error)) from None
        return self

    @model_validator(mode="after")
    def _kinds_can_be_told(self) -> Self:
        if self.calls is not None and Trigger.CALL_CONNECTED in self.on:
            raise ValueError(
                'calls goes with "on": ["CallStarted"] only: CallConnected does not tell the kind of a call'
            )
        return self

    def meets(self, trigger: Trigger, kind: CallKind | None) -> bool:
        return trigger in self.on and (self.calls is None or kind in self.calls)

    def can_be_met(self, *, callbacks: bool) -> bool:
        """Whether anything can trigger it, depending on whether callbacks are taken."""
        return callbacks or Trigger.CALL_STARTED in self.on

    def wanted(self) -> dict[str, str]:
        """What a start asks for besides the call, as far as it is given."""
        given = {
            "content": self.content,
            "channel": self.channel,
            "format": self.format,
            "correlation": self.correlation,
        }
        return {name: str(value) for name, value in given.items() if value is not None}


_rules: TypeAdapter[list[AutoRecordRule]] = TypeAdapter(list[AutoRecordRule])


def read_rules(text: str) -> tuple[AutoRecordRule, ...]:
    """`off`, or JSON: one rule or an array of them. Raises ValueError with a sentence that names what is wrong."""
    if text.strip().lower() in ("", "off", "false"):
        return ()
    try:
        parsed = json.loads(text)
        return tuple(_rules.validate_python(parsed if isinstance(parsed, list) else [parsed]))
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, wrong["loc"]))
        raise ValueError(f"AUTO_RECORD: rule {where}: {wrong['msg'].removeprefix('Value error, ')}") from None
    except (ValueError, RecursionError):
        raise ValueError("AUTO_RECORD: must be off, or rules as JSON") from None
