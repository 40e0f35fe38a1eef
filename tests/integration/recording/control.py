"""Requests of callers, for tests."""

import json
from typing import Any

from shared.http.answers import Answer
from tests.integration.world import World

URL = "https://callvault.example/api/recordings?code=secret"


async def call(world: World, **options: Any) -> dict[str, Any]:
    made: dict[str, Any] = await world.acs("POST", "/calls", **({"kind": "group", "participants": 2} | options))
    return made


async def start(world: World, key: str | None = None, **fields: Any) -> Answer:
    return await world.commands.start(json.dumps(fields).encode(), url=URL, idempotency_key=key, by="ada")


async def started(world: World, **fields: Any) -> str:
    made = await call(world)
    answer = await start(world, callConnectionId=made["callConnectionId"], **fields)
    assert answer.status == 201, answer.body
    return str(json.loads(answer.body)["recordingId"])


async def asked(world: World, action: str, recording_id: str) -> Answer:
    by = {} if action == "get" else {"by": "ada"}
    answer: Answer = await getattr(world.commands, action)(recording_id, **by)
    return answer


def json_of(answer: Answer) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(answer.body)
    return body
