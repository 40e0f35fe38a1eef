"""The queue message: keys only (claim check). Where the chunk is and how far it got stands in the catalogue.

Jobs are sent in base64, as the host's default and older versions expect them. The host hands every body over as it is
(`messageEncoding` none), so that what is no job reaches the poison function too; plain and base64 are read alike.
"""

import base64
import binascii
import codecs
import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from shared.domain.records import Chunk
from shared.errors import InvalidJob

_STANDARD = bytes.maketrans(b"-_", b"+/")  # from the alphabet for URLs
_KEY = r"^[0-9a-f]{32}$"
_LONGEST_DELAY = 7 * 24 * 3600  # seconds, of a queue message
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def _traceparent(value: Any) -> str | None:
    """Anything else is left out: what only helps to look on must not keep a job from being done."""
    return value if isinstance(value, str) and _TRACEPARENT.fullmatch(value) else None


def _flag(value: Any) -> bool | None:
    """Likewise: without the flag a job is deferred once more, and that is all."""
    return True if value is True else None


def _seconds(value: Any) -> int | None:
    """Likewise: without it a message that was sent with a delay looks older than it is."""
    return value if type(value) is int and 0 < value <= _LONGEST_DELAY else None


class ChunkJob(BaseModel):
    """Take this chunk as far as it can go.

    The names avoid the host's own: a top-level `id` or `dequeueCount` would overlay the message's trigger metadata.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    recordingKey: str = Field(pattern=_KEY)  # noqa: N815 - the wire's spelling
    chunkKey: str = Field(pattern=_KEY)  # noqa: N815 - the wire's spelling
    traceparent: Annotated[str | None, BeforeValidator(_traceparent)] = None  # the W3C trace that it goes on with
    deferred: Annotated[bool | None, BeforeValidator(_flag)] = None  # came too early before, and is sent a second time
    # The message's delay: a peek tells when a message was inserted, and not since when it can be taken.
    delaySeconds: Annotated[int | None, BeforeValidator(_seconds)] = None  # noqa: N815 - the wire's spelling

    @classmethod
    def of(cls, chunk: Chunk) -> "ChunkJob":
        return cls(recordingKey=chunk.recording_key, chunkKey=chunk.chunk_key, traceparent=chunk.traceparent)

    def again(self) -> "ChunkJob":
        """This job, marked as sent a second time because it came too early."""
        return self.model_copy(update={"deferred": True})

    def delayed(self, seconds: int) -> "ChunkJob":
        """This job, sent with a delay, or with none if that is 0."""
        return self.model_copy(update={"delaySeconds": seconds or None})

    def encode(self) -> str:
        return self.model_dump_json(exclude_none=True)

    @classmethod
    def decode(cls, body: bytes | str) -> "ChunkJob":
        """A message's body: JSON, or base64 of JSON. Raises InvalidJob, without quoting the body."""
        try:
            return cls.model_validate_json(_plain(body.encode() if isinstance(body, str) else body))
        except ValidationError as error:
            wrong = sorted({str(one["loc"][0]) for one in error.errors(include_input=False) if one["loc"]})
            told = f"missing or wrong: {', '.join(wrong)}" if wrong else "it is not a JSON object"
            raise InvalidJob(f"the message is no chunk job: {told}") from None
        except UnicodeError:
            raise InvalidJob("the message is no chunk job: it is not text") from None


def _plain(body: bytes) -> bytes:
    """The JSON text of a body. JSON objects begin with a brace, which base64 of either alphabet doesn't have."""
    packed = b"".join(body.split()).translate(_STANDARD)
    try:
        return base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)
    except binascii.Error:
        return body.removeprefix(codecs.BOM_UTF8)
