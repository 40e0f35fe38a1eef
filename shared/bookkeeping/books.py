"""All books, over one set of gateways."""

from dataclasses import dataclass
from typing import Self

from shared.bookkeeping.chunks import ChunkBook
from shared.bookkeeping.open_work import OpenWork
from shared.bookkeeping.recordings import RecordingBook
from shared.gateways.bundle import Gateways


@dataclass(frozen=True, kw_only=True)
class Books:
    """What use cases write through. They read through the gateways."""

    recordings: RecordingBook
    chunks: ChunkBook
    open_work: OpenWork

    @classmethod
    def over(cls, gateways: Gateways) -> Self:
        return cls(recordings=RecordingBook(gateways), chunks=ChunkBook(gateways), open_work=OpenWork(gateways))
