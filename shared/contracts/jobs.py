"""The queue message of a chunk: keys only (claim check). The catalogue has the chunk's location and state.

Jobs are sent in base64, as the host's default and older versions expect. The host passes every body unchanged
(`messageEncoding` none), so that invalid messages also reach the poison function. Plain and base64 bodies are accepted.
"""

import base64
import binascii
import codecs
import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from shared.domain.records import Chunk
from shared.errors import InvalidJob

_STANDARD = bytes.maketrans(b"-_", b"+/")  # from the URL-safe alphabet
_KEY = r"^[0-9a-f]{32}$"
_LONGEST_DELAY = 7 * 24 * 3600  # seconds; the limit of a queue message
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def _traceparent(value: Any) -> str | None:
    """Ignores invalid values: tracing must never prevent a job."""
    return value if isinstance(value, str) and _TRACEPARENT.fullmatch(value) else None


def _flag(value: Any) -> bool | None:
    """Ignores invalid values: without the flag, the job is only deferred once more."""
    return True if value is True else None


def _seconds(value: Any) -> int | None:
    """Ignores invalid values: without the delay, the message only looks older than it is."""
    return value if type(value) is int and 0 < value <= _LONGEST_DELAY else None


class ChunkJob(BaseModel):
    """Archives one chunk, as far as possible.

    The names avoid the host's own: a top-level `id` or `dequeueCount` would overlay the message's trigger metadata.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    recordingKey: str = Field(pattern=_KEY)  # noqa: N815 - the wire's spelling
    chunkKey: str = Field(pattern=_KEY)  # noqa: N815 - the wire's spelling
    traceparent: Annotated[str | None, BeforeValidator(_traceparent)] = None  # the W3C trace that the job continues
    deferred: Annotated[bool | None, BeforeValidator(_flag)] = (
        None  # arrived too early once, and was sent a second time
    )
    # The message's delay. Peeking shows when a message was inserted, but not when it became visible.
    delaySeconds: Annotated[int | None, BeforeValidator(_seconds)] = None  # noqa: N815 - the wire's spelling

    @classmethod
    def of(cls, chunk: Chunk) -> "ChunkJob":
        return cls(recordingKey=chunk.recording_key, chunkKey=chunk.chunk_key, traceparent=chunk.traceparent)

    def again(self) -> "ChunkJob":
        """This job, marked as sent a second time because it arrived too early."""
        return self.model_copy(update={"deferred": True})

    def delayed(self, seconds: int) -> "ChunkJob":
        """This job with a delay; 0 means none."""
        return self.model_copy(update={"delaySeconds": seconds or None})

    def encode(self) -> str:
        return self.model_dump_json(exclude_none=True)

    @classmethod
    def decode(cls, body: bytes | str) -> "ChunkJob":
        """Parses a message's body: JSON, or base64 of JSON. Raises InvalidJob without quoting the body."""
        try:
            return cls.model_validate_json(_plain(body.encode() if isinstance(body, str) else body))
        except ValidationError as error:
            wrong = sorted({str(one["loc"][0]) for one in error.errors(include_input=False) if one["loc"]})
            problem = f"missing or invalid: {', '.join(wrong)}" if wrong else "it isn't a JSON object"
            raise InvalidJob(f"the message isn't a valid chunk job: {problem}") from None
        except UnicodeError:
            raise InvalidJob("the message isn't a valid chunk job: it isn't text") from None


def _plain(body: bytes) -> bytes:
    """A body's JSON text. JSON objects begin with a brace, which isn't in either base64 alphabet."""
    packed = b"".join(body.split()).translate(_STANDARD)
    try:
        return base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)
    except binascii.Error:
        return body.removeprefix(codecs.BOM_UTF8)
