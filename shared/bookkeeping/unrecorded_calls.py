"""The list of calls that AUTO_RECORD could not record, or not yet. The claim on a call says what became of it."""

from datetime import datetime

from shared.domain.list_entry import ListEntry, ListName
from shared.gateways.bundle import Gateways


class UnrecordedCalls:
    """Adds calls to the list. An entry that exists already is written again, so that a repetition adds none."""

    def __init__(self, gateways: Gateways) -> None:
        self._lists = gateways.lists

    async def add(self, call_key: str, since: datetime) -> None:
        """`since`: when the start was first sent."""
        await self._lists.add(ListEntry(at=since, recording_key=call_key), ListName.UNRECORDED)
