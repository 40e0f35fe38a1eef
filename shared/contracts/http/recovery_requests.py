"""The requests by which a person acknowledges a chunk, or retries all chunks with one reason."""

from typing import Annotated

from pydantic import Field, StringConstraints

from shared.contracts.http.bodies import Body
from shared.contracts.text import Plain

_Name = Annotated[str, StringConstraints(min_length=1, max_length=128), Plain(unpadded=True)]
_Note = Annotated[str, StringConstraints(min_length=1, max_length=1024), Plain(unpadded=True)]
_Cursor = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,256}$")]
_Reason = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$")]


class Acknowledgement(Body):
    """Who acknowledges the loss, and a note. Both are kept in the recording's history."""

    name: _Name = Field(description="Name of the person who acknowledges the chunk.")
    note: _Note = Field(description="What happened, or what was done. All readers of the recording see it.")


class ReplayByReason(Body):
    """Which chunks to replay."""

    reason: _Reason = Field(description="The `reason` of the chunks, such as acs-credential-refused.")
    cursor: _Cursor | None = Field(
        default=None, description="The unchanged nextCursor of the answer before. Leave it out in the first request."
    )
