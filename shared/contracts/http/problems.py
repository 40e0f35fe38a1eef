"""RFC 9457 problem details: the answer to a request that fails."""

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import CallvaultError, InvalidRequest

MEDIA_TYPE = "application/problem+json"


class ProblemField(BaseModel):
    """One invalid field of the request, and how to fix it."""

    field: str = Field(description="Path of the field, as in channelAffinity.0.channel.")
    detail: str = Field(description="What is wrong and how to fix it.")


class Problem(BaseModel):
    """application/problem+json, with Callvault's own members `reason`, `fault`, `retry` and `errors`."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="urn:callvault:problem:<reason>. Stable, so programs can rely on it.")
    title: str
    status: int
    detail: str
    reason: str
    fault: str = Field(
        description="Whose fault it is: caller, source (ACS), destination (storage or the topic) or ours (Callvault)."
    )
    retry: bool = Field(description="Whether the same request can succeed later.")
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
