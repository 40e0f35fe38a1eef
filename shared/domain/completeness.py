"""Decides from the events of a recording whether they named all of its files.

ACS may send a recording's files in several events and in any order. The events are complete once the chunks' indexes
have no gap and the end reason of the last chunk says that the session ended, not only the chunk.
"""

from collections.abc import Collection
from typing import Protocol

_CHUNK_ENDED = "chunk"  # prefix of end reasons after which the recording continues in another chunk


class AnnouncedFile(Protocol):
    """The fields of one file's event that are needed here."""

    @property
    def index(self) -> int: ...

    @property
    def end_reason(self) -> str | None: ...


def has_last(files: Collection[AnnouncedFile], *, ended: bool) -> bool:
    """Whether an event named the recording's last file: its end reason is the session's, not only the chunk's.

    If the last file has no end reason, the result is `ended`: whether the recording is known to have ended.
    """
    last = max((file.index for file in files), default=None)
    reasons = [file.end_reason for file in files if file.index == last and file.end_reason]
    if files and not reasons:
        return ended
    return any(not reason.lower().startswith(_CHUNK_ENDED) for reason in reasons)


def is_gapless(files: Collection[AnnouncedFile]) -> bool:
    indexes = {file.index for file in files}
    return indexes == set(range(len(indexes)))
