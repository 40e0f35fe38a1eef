"""The queue message: keys only (claim check). Where the chunk is and how far it got stands in the catalogue."""

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.errors import InvalidJob

_KEY = r"^[0-9a-f]{32}$"


class ChunkJob(BaseModel):
    """Take this chunk as far as it can go.

    The names avoid the host's own: a top-level `id` or `dequeueCount` would overlay the message's trigger metadata.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    recordingKey: str = Field(pattern=_KEY)  # noqa: N815 - the wire's spelling
    chunkKey: str = Field(pattern=_KEY)  # noqa: N815 - the wire's spelling

    def encode(self) -> str:
        return self.model_dump_json()

    @classmethod
    def decode(cls, body: bytes) -> "ChunkJob":
        """Raises InvalidJob, without quoting the body."""
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            raise InvalidJob(f"the message is no chunk job: {error.error_count()} fields are wrong") from None
