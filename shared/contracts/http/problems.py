"""RFC 9457 problem details: what a caller gets when a request cannot be carried out."""

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import CallvaultError, InvalidRequest

MEDIA_TYPE = "application/problem+json"


class ProblemField(BaseModel):
    """One field of the request that is wrong, and how to mend it."""

    field: str = Field(description="Path of the field, as in channelAffinity.0.channel.")
    detail: str = Field(description="What is wrong, and the mend.")


class Problem(BaseModel):
    """application/problem+json, with the members `reason`, `fault`, `retry` and `errors` of ours."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="urn:callvault:problem:<reason>: stable, for programs to tell problems apart.")
    title: str
    status: int
    detail: str
    reason: str
    fault: str = Field(description="caller, source (ACS), destination (storage) or ours.")
    retry: bool = Field(description="Whether the same request may succeed later.")
    errors: list[ProblemField] | None = None

    @classmethod
    def of(cls, error: CallvaultError) -> "Problem":
        fields = error.fields if isinstance(error, InvalidRequest) else ()
        return cls(
            type=f"urn:callvault:problem:{error.reason}",
            title=error.title,
            status=error.status,
            detail=str(error),
            reason=error.reason,
            fault=str(error.fault),
            retry=error.retry,
            errors=[ProblemField(field=item.field, detail=item.detail) for item in fields] or None,
        )
