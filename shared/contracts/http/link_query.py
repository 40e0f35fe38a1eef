"""The parameters of a link to an archived file."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.http.parameters import read_parameters


class Disposition(StrEnum):
    ATTACHMENT = "attachment"
    INLINE = "inline"


class LinkQuery(BaseModel):
    """How the file is to be had."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    disposition: Disposition = Field(
        default=Disposition.ATTACHMENT, description="attachment has a browser save the file, inline has it play it."
    )
    redirect: bool = Field(default=True, description="false answers 200 with the link in the body instead of 302.")

    @property
    def is_inline(self) -> bool:
        return self.disposition is Disposition.INLINE


def parse_link(parameters: Mapping[str, str]) -> LinkQuery:
    """Reads a query. Raises InvalidRequest naming each wrong parameter and its mend, never quoting a value."""
    return read_parameters(LinkQuery, parameters)
