"""Whether all files of a recording were announced, as far as their events say.

ACS may announce a recording's files in several events and in any order. All are announced once the chunks' indexes have
no gap, and the last of them says that the session ended and not merely the chunk.
"""

from collections.abc import Collection
from typing import Protocol

_CHUNK_ENDED = "chunk"  # prefix of end reasons after which the recording continues in another chunk


class AnnouncedFile(Protocol):
    """The facts of one file that its event states."""

    @property
    def index(self) -> int: ...

    @property
    def end_reason(self) -> str | None: ...


def has_last(files: Collection[AnnouncedFile], *, ended: bool) -> bool:
    """Whether the recording's last file is announced: its end reason is that of the session, not only of the chunk.

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
