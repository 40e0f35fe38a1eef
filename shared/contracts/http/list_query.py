"""The parameters of a list of recordings: what is wrong with one is refused in words that name it and the mend."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from shared.contracts.http.parameters import read_parameters
from shared.domain.states import RecordingState
from shared.errors import InvalidRequest

MOST = 100  # recordings on a page
PARTICIPANT_HEADER = "X-Participant-Id"
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_IN_A_URL = f"goes into the header {PARTICIPANT_HEADER}: URLs are logged on their way, and it is personal data"


def _day(value: Any) -> Any:
    """Written as ISO 8601 writes a day and in no other of the ways that a date can be read from."""
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise ValueError("must be a day in UTC, as in 2026-11-21")
    return value


Day = Annotated[date, BeforeValidator(_day)]
Value = Annotated[str, Field(min_length=1, max_length=4096)]


class ListQuery(BaseModel):
    """Which recordings; what isn't given narrows nothing."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=False, hide_input_in_errors=True
    )

    first: Day | None = Field(default=None, alias="from", description="The first day, in UTC, as in 2026-11-21.")
    last: Day | None = Field(default=None, alias="to", description="The last day, in UTC.")
    state: RecordingState | None = None
    call_id: Value | None = None
    server_call_id: Value | None = None
    call_connection_id: Value | None = None
    correlation: Value | None = None
    open: bool = Field(default=False, description="Not all of it is safe, and something can still be done about it.")
    trouble: bool = Field(default=False, description="Incomplete or overdue.")
    limit: int = Field(default=25, ge=1, le=MOST, description=f"1 to {MOST} recordings.")
    cursor: str | None = Field(default=None, max_length=256, description="The nextCursor of the page before.")
    participant: Value | None = Field(default=None, alias=PARTICIPANT_HEADER, repr=False)

    @model_validator(mode="after")
    def _days_are_in_order(self) -> Self:
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ValueError("from: must not be after to")
        return self


def parse_list(parameters: Mapping[str, str], *, participant: str | None) -> ListQuery:
    """Reads a query. Raises InvalidRequest naming each wrong parameter and its mend, never quoting a value."""
    if {"participant", PARTICIPANT_HEADER} & parameters.keys():
        raise InvalidRequest.of("participant", _IN_A_URL)
    beside_the_url = {} if participant is None else {PARTICIPANT_HEADER: participant}
    return read_parameters(ListQuery, parameters, **beside_the_url)
