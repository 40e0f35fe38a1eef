"""Whether all files of a recording were announced, as far as their events say.

ACS may announce a recording's files in several events and in any order. All are announced once the chunks' indexes have
no gap, and the last of them says that the session ended and not merely the chunk.
"""

from collections.abc import Collection
from typing import Protocol

_CHUNK_ENDED = "chunk"  # what end reasons begin with when the recording goes on in another chunk


class AnnouncedFile(Protocol):
    """What an event says of one file."""

    @property
    def index(self) -> int: ...

    @property
    def end_reason(self) -> str | None: ...


def has_last(files: Collection[AnnouncedFile], *, ended: bool) -> bool:
    """Whether the file that ends the recording is announced: its end is the session's, and not merely its own.

    Where no end reason is known of the last file, `ended` decides: whether the recording is known to have ended.
    """
    last = max((file.index for file in files), default=None)
    reasons = [file.end_reason for file in files if file.index == last and file.end_reason]
    if files and not reasons:
        return ended
    return any(not reason.lower().startswith(_CHUNK_ENDED) for reason in reasons)


def is_gapless(files: Collection[AnnouncedFile]) -> bool:
    indexes = {file.index for file in files}
    return indexes == set(range(len(indexes)))
