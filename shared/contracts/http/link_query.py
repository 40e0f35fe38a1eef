"""The parameters of a link to an archived file."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.http.parameters import read_parameters


class Disposition(StrEnum):
    ATTACHMENT = "attachment"
    INLINE = "inline"


class LinkQuery(BaseModel):
    """How the client receives the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    disposition: Disposition = Field(
        default=Disposition.ATTACHMENT, description="attachment: browsers save the file; inline: browsers play it."
    )
    redirect: bool = Field(
        default=True, description="true: the answer is 302 to the file; false: 200 with the link in the body."
    )

    @property
    def is_inline(self) -> bool:
        return self.disposition is Disposition.INLINE


def parse_link(parameters: Mapping[str, str]) -> LinkQuery:
    """Parses the query. Raises InvalidRequest, which names each invalid parameter and its fix but no value."""
    return read_parameters(LinkQuery, parameters)
