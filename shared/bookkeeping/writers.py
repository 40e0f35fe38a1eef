"""The writers of recordings, chunks and worklist rows, which also keep the lists up to date."""

from dataclasses import dataclass
from typing import Self

from shared.bookkeeping.chunks import ChunkWriter
from shared.bookkeeping.open_work import OpenWork
from shared.bookkeeping.recordings import RecordingWriter
from shared.bookkeeping.unrecorded_calls import UnrecordedCalls
from shared.gateways.bundle import Gateways


@dataclass(frozen=True, kw_only=True)
class Writers:
    """Use cases write through these, and read through the gateways."""

    recordings: RecordingWriter
    chunks: ChunkWriter
    open_work: OpenWork
    unrecorded_calls: UnrecordedCalls

    @classmethod
    def over(cls, gateways: Gateways) -> Self:
        return cls(
            recordings=RecordingWriter(gateways),
            chunks=ChunkWriter(gateways),
            open_work=OpenWork(gateways),
            unrecorded_calls=UnrecordedCalls(gateways),
        )
