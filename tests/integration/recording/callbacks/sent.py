"""Callbacks as ACS sends them, for the tests of this folder."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from local.acs.identifiers import RESOURCE_ID
from shared.domain.keys import key_of
from shared.http.answers import Answer
from shared.recording.callback_urls import SIGNATURE, START, CallbackUrls
from tests.integration.world import World

HERE = "https://callvault.example/api/recordings"
CALLBACK_URL = "https://callvault.example/api/callbacks"
SETTINGS = {
    "CALLBACK_URL": CALLBACK_URL,
    "CALLBACK_AUDIENCE": RESOURCE_ID,
    "CALLBACK_SECRET": "a secret of thirty-two letters, or more",
}


async def call(world: World, **options: Any) -> dict[str, Any]:
    made: dict[str, Any] = await world.acs("POST", "/calls", kind="group", participants=2, **options)
    return made


async def start(world: World, key: str | None = None, **fields: Any) -> Answer:
    return await world.commands.start(json.dumps(fields).encode(), url=HERE, idempotency_key=key, by="ada")


async def callbacks_of(world: World, made: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The callbacks that ACS sent for a call, oldest first, each with the query of its URL."""
    sent = await world.acs("GET", "/callbacks")
    return [
        {**one["event"], "query": one["url"].partition("?")[2]}
        for one in sent
        if one["event"]["data"]["serverCallId"] == made["serverCallId"] and one["event"]["type"].endswith(kind)
    ]


def said(caplog: pytest.LogCaptureFixture, level: str) -> list[str]:
    return [record.getMessage().partition(" {")[0] for record in caplog.records if record.levelname == level]


def url_of_calls(world: World) -> str:
    """The callback URL that other code gives to ACS."""
    return str(CallbackUrls(world.settings).of_any_call())


async def deliver(world: World, *events: Any, token: str | None = None, query: str | None = None) -> Answer:
    """Sends callbacks as ACS does, to the URL that ACS was given, unless the test sets another query."""
    given = [event["query"] for event in events if isinstance(event, dict) and "query" in event]
    if query is None:
        query = given[0] if given else urlsplit(url_of_calls(world)).query
    body = [
        {name: value for name, value in event.items() if name != "query"} if isinstance(event, dict) else event
        for event in events
    ]
    return await send(world, json.dumps(body).encode(), token=token, query=query)


async def send(world: World, body: bytes, *, query: str, token: str | None = None) -> Answer:
    token = token or (await world.acs("POST", "/tokens"))["token"]
    parameters = dict(parse_qsl(query))
    return await world.commands.callbacks(
        body,
        authorization=f"Bearer {token}",
        start_id=parameters.get(START),
        signature=parameters.get(SIGNATURE),
    )


async def view(world: World, recording_id: str) -> dict[str, Any]:
    answer = await world.commands.get(recording_id)
    assert answer.status == 200, answer.body
    shown: dict[str, Any] = json.loads(answer.body)
    return shown


async def control_of(world: World, recording_id: str) -> str | None:
    recording, _ = await world.gateways.catalogue.recording(key_of(recording_id))
    return None if recording is None or recording.control is None else str(recording.control)
