"""Pages of the list of recordings."""

import json
from datetime import UTC, datetime
from typing import Any

from tests.integration.world import World

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


async def page(world: World, **parameters: str) -> dict[str, Any]:
    answer = await world.queries.recordings(parameters, None, by="ada")
    assert answer.status == 200, answer.body
    body: dict[str, Any] = json.loads(answer.body)
    return body
