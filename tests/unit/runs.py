"""Runs from an event to the deleted source, and what storage must hold in the end."""

from dataclasses import dataclass
from typing import Any

from local.memory.acs import Document
from local.memory.storage.account import Turn
from shared.domain.states import ChunkState
from tests.unit.world import MEBIBYTE, World, document, event_of

_OF_ONE_PROCESS = "tally"  # a partition whose rows a process names by itself
_OF_ONE_ENTRY = "audit-"  # rows that carry a random mark

SMALL = ("0-wus-d4-small",)
LARGE = ("0-wus-d4-large",)  # three blocks
TWO = ("0-wus-d4-first", "0-wus-d4-second")
RECORDING = "recording-1"
_SIZES = {"0-wus-d4-large": 2 * MEBIBYTE + 4096}
_BYTES = {name: document(name, size=_SIZES.get(name, 4096)) for name in (*SMALL, *LARGE, *TWO)}


@dataclass(frozen=True)
class Run:
    """One run: its world, and the documents whose event was published."""

    world: World
    names: tuple[str, ...]

    @classmethod
    async def prepared(cls, names: tuple[str, ...], **settings: Any) -> "Run":
        made = [Document(**{**vars(_BYTES[name]), "is_deleted": False}) for name in names]
        world = await World.made(*made, **settings)
        world.host.publish(event_of(RECORDING, *names))
        return cls(world, names)

    async def under(self, turn: Turn, *, rounds: int = 120) -> dict[str, Any]:
        """Runs the app with operations that await `turn`, until nothing is left to do; what storage holds then.

        Fails if a source is deleted before it is archived, or isn't deleted in the end.
        """
        self.world.host.restart(self.world.watched(turn))
        await self.world.run(rounds=rounds)
        return await self.end()

    async def end(self) -> dict[str, Any]:
        states = [(await self.world.chunk(RECORDING, name)).state for name in self.names]
        assert states == [ChunkState.RELEASED] * len(states)
        assert all(one.is_deleted and self.world.is_archived(one) for one in self.world.acs.documents)
        assert not self.world.rows(self.world.settings.worklist_table), "the worklist still has a row"
        return {
            "archive": self.world.archive,
            "tables": {table: self._keys(table) for table in self.world.settings.tables},
            "announced": sorted({(event["type"], event["subject"]) for event in self.world.topic.taken}),
            "quarantine": self.world.files(self.world.settings.quarantine_container),
        }

    def listed(self, heading: str) -> list[tuple[str, str]]:
        """The entries of a list."""
        return [key for key in self.world.rows(self.world.settings.calendar_table) if key[1].startswith(heading)]

    def _keys(self, table: str) -> list[tuple[str, str]]:
        return sorted(
            (partition, row)
            for partition, row in self.world.rows(table)
            if not partition.startswith(_OF_ONE_PROCESS) and not row.startswith(_OF_ONE_ENTRY)
        )
