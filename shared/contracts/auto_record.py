"""The rules of automatic recording in the setting AUTO_RECORD: which calls to record, on which event, and how."""

import json
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from shared.contracts.http.bodies import Body
from shared.contracts.http.label_fields import Labels
from shared.contracts.http.start_request import Channel, Content, Correlation, MediaFormat, parse_start
from shared.errors import InvalidRequest

_ANY_CALL = "AAAA"  # a serverCallId to validate a rule with


class Trigger(StrEnum):
    """The event that shows that a call is in progress."""

    CALL_CONNECTED = "CallConnected"  # a Call Automation callback
    CALL_STARTED = "CallStarted"  # an Event Grid event, for ACS VoIP calls only


class CallKind(StrEnum):
    """The kind of a call. Only CallStarted contains it; CallConnected doesn't."""

    GROUP = "group"
    TWO_PARTY = "twoParty"
    ROOM = "room"


class AutoRecordRule(Body):
    """Records calls of these kinds on these events. Omitted fields have the same defaults as in a start request."""

    on: Annotated[frozenset[Trigger], Field(min_length=1)] = frozenset(Trigger)
    calls: Annotated[frozenset[CallKind], Field(min_length=1)] | None = None
    content: Content | None = None
    channel: Channel | None = None
    format: MediaFormat | None = None
    correlation: Correlation | None = None
    labels: Labels = Field(default={})

    @model_validator(mode="after")
    def _is_offered(self) -> Self:
        try:
            parse_start(json.dumps({"serverCallId": _ANY_CALL, **self.wanted()}).encode())
        except InvalidRequest as error:
            raise ValueError(str(error)) from None
        return self

    @model_validator(mode="after")
    def _kinds_need_call_started(self) -> Self:
        if self.calls is not None and Trigger.CALL_CONNECTED in self.on:
            raise ValueError(
                'calls requires "on": ["CallStarted"], because CallConnected doesn\'t contain the kind of the call'
            )
        return self

    def meets(self, trigger: Trigger, kind: CallKind | None) -> bool:
        return trigger in self.on and (self.calls is None or kind in self.calls)

    def can_be_met(self, *, callbacks: bool) -> bool:
        """Whether any event can match the rule. `callbacks`: whether the app accepts callbacks."""
        return callbacks or Trigger.CALL_STARTED in self.on

    def wanted(self) -> dict[str, Any]:
        """The fields of the start request that the rule sets."""
        given = {
            "content": self.content,
            "channel": self.channel,
            "format": self.format,
            "correlation": self.correlation,
        }
        fields = {name: str(value) for name, value in given.items() if value is not None}
        return fields | ({"labels": self.labels} if self.labels else {})


_rules: TypeAdapter[list[AutoRecordRule]] = TypeAdapter(list[AutoRecordRule])


def read_rules(text: str) -> tuple[AutoRecordRule, ...]:
    """Parses `off`, or JSON: one rule or an array of rules. Raises ValueError that names the invalid field."""
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
        raise ValueError("AUTO_RECORD: must be off, or one or more rules in JSON") from None
