"""The writers of recordings and chunks, which also keep the lists up to date, and of worklist rows."""

from dataclasses import dataclass
from typing import Self

from shared.bookkeeping.chunks import ChunkWriter
from shared.bookkeeping.recordings import RecordingWriter
from shared.bookkeeping.unrecorded_calls import UnrecordedCalls
from shared.gateways.bundle import Gateways
from shared.gateways.tables.worklist import Worklist


@dataclass(frozen=True, kw_only=True)
class Writers:
    """Use cases write through these, and read through the gateways."""

    recordings: RecordingWriter
    chunks: ChunkWriter
    open_work: Worklist
    unrecorded_calls: UnrecordedCalls

    @classmethod
    def over(cls, gateways: Gateways) -> Self:
        return cls(
            recordings=RecordingWriter(gateways),
            chunks=ChunkWriter(gateways),
            open_work=gateways.worklist,
            unrecorded_calls=UnrecordedCalls(gateways),
        )
