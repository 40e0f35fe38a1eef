"""The parameters of a list of recordings. Errors name the invalid parameter and its fix."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from shared.contracts.http.label_fields import LabelFilter
from shared.contracts.http.parameters import read_parameters
from shared.domain.participant_ids import ACCEPTED, MOST_CHARACTERS, searched
from shared.domain.states import RecordingState
from shared.errors import InvalidRequest

MOST = 100  # recordings on a page
PARTICIPANT_HEADER = "X-Participant-Id"
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_IN_A_URL = f"send it in the header {PARTICIPANT_HEADER} instead: it is personal data, and proxies log URLs"


def _day(value: Any) -> Any:
    """Accepts ISO 8601 days only; pydantic would also accept other formats."""
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise ValueError("must be a day in UTC, such as 2026-11-21")
    return value


Day = Annotated[date, BeforeValidator(_day)]


def _person(value: str) -> str:
    searched(value)  # raises ValueError for a text that can't be a person's ID
    return value


Value = Annotated[str, Field(min_length=1, max_length=4096)]

Person = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS), AfterValidator(_person)]


class ListQuery(BaseModel):
    """Filters of a list of recordings; omitted filters match all."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=False, hide_input_in_errors=True
    )

    first: Day | None = Field(default=None, alias="from", description="First day, in UTC, such as 2026-11-21.")
    last: Day | None = Field(default=None, alias="to", description="Last day, in UTC.")
    state: RecordingState | None = None
    call_id: Value | None = None
    server_call_id: Value | None = None
    call_connection_id: Value | None = None
    correlation: Value | None = None
    label: LabelFilter | None = Field(
        default=None, description="Only recordings with this label: name and value, such as case=4711."
    )
    open: bool = Field(
        default=False, description="Only recordings with files that aren't safe yet and can still be archived."
    )
    trouble: bool = Field(default=False, description="Only incomplete or overdue recordings.")
    attention: bool = Field(
        default=False,
        description="Only incomplete or overdue recordings with a problem that nobody has acknowledged.",
    )
    limit: int = Field(default=25, ge=1, le=MOST, description=f"Recordings on a page, 1 to {MOST}.")
    cursor: str | None = Field(default=None, max_length=256, description="nextCursor of the previous page.")
    participant: Person | None = Field(
        default=None,
        alias=PARTICIPANT_HEADER,
        repr=False,
        description=f"Only recordings in which this person took part: {ACCEPTED}.",
    )

    @model_validator(mode="after")
    def _days_are_in_order(self) -> Self:
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ValueError("from: must not be after to")
        return self


def parse_list(parameters: Mapping[str, str], *, participant: str | None) -> ListQuery:
    """Parses a query. Raises InvalidRequest, which names each invalid parameter and its fix but no value."""
    if any("participant" in name.lower() for name in parameters):
        raise InvalidRequest.of("participant", _IN_A_URL)
    beside_the_url = {} if participant is None else {PARTICIPANT_HEADER: participant}
    return read_parameters(ListQuery, parameters, **beside_the_url)
