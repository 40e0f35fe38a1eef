"""What the topic accepted, and what waits for it."""

from typing import Any

from shared.contracts.events.announcements import Announcement
from shared.domain.keys import key_of
from tests.integration.world import World

ARCHIVED, FAILED, LOST = "Callvault.ChunkArchived", "Callvault.ChunkFailed", "Callvault.ChunkLost"


COMPLETE = "Callvault.RecordingComplete"


async def announcements_of(world: World, made: dict[str, Any]) -> list[Announcement]:
    """The announcements of a recording that the topic accepted, in order."""
    taken = await world.acs("GET", f"/announcements?recordingId={made['recordingId']}")
    return [Announcement.model_validate(one["event"]) for one in taken]


async def types_of(world: World, made: dict[str, Any]) -> list[str]:
    return [one.type for one in await announcements_of(world, made)]


async def rows_of(world: World, made: dict[str, Any]) -> int:
    table = world.app.clients.tables.get_table_client(world.settings.worklist_table)
    return len([row async for row in table.list_entities() if row["recordingKey"] == key_of(made["recordingId"])])
