"""The Logic App that posts cards to Teams: each announcement that the app makes becomes one valid card.

The workflow runs against a queue and a Teams workflow on this machine. They answer as Queue Storage and Teams do.
"""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from typing import Any, Literal
from xml.sax.saxutils import escape

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from infra.package import CHECKOUT
from local.memory.storage.account import apply_at_once
from tests.infra.logicapp import Run
from tests.unit.contracts.test_announcements import EXAMPLES
from tests.unit.runs import TWO
from tests.unit.runs import Run as AppRun
from tests.unit.world import ANNOUNCING

DEFINITION = json.loads((CHECKOUT / "infra" / "logicapp" / "teams-cards.json").read_text())
APP = "https://app.example"
COMPLETE, FAILED = "Callvault.RecordingComplete", "Callvault.ChunkFailed"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class TextBlock(Strict):
    type: Literal["TextBlock"]
    text: str
    color: Literal["Default", "Dark", "Light", "Accent", "Good", "Warning", "Attention"]
    size: Literal["Default", "Small", "Medium", "Large", "ExtraLarge"]
    weight: Literal["Default", "Lighter", "Bolder"]
    wrap: bool


class TextRun(Strict):
    type: Literal["TextRun"]
    text: str = Field(min_length=1)
    weight: Literal["Default", "Lighter", "Bolder"] = "Default"


class RichTextBlock(Strict):
    """Shows its text as it is; TextBlock and FactSet read theirs as Markdown."""

    type: Literal["RichTextBlock"]
    inlines: list[TextRun]


class Fact(Strict):
    title: str
    value: str = Field(pattern=r"^[A-Za-z0-9 :-]+$")


class FactSet(Strict):
    type: Literal["FactSet"]
    facts: list[Fact]


class OpenUrl(Strict):
    type: Literal["Action.OpenUrl"]
    title: str
    url: str = Field(pattern=r"^https://[!-~]+$")


class Card(Strict):
    """What the schema of Adaptive Cards 1.4 allows of the elements that the cards have."""

    schema_: Literal["http://adaptivecards.io/schemas/adaptive-card.json"] = Field(alias="$schema")
    type: Literal["AdaptiveCard"]
    version: Literal["1.4"]
    body: tuple[TextBlock, RichTextBlock, FactSet, RichTextBlock] = Field(strict=False)
    actions: list[OpenUrl]


class Attachment(Strict):
    content_type: Literal["application/vnd.microsoft.card.adaptive"] = Field(alias="contentType")
    content: Card


class Message(Strict):
    type: Literal["message"]
    attachments: list[Attachment] = Field(min_length=1, max_length=1)


class Outside:
    """The queue, and the workflow in Teams."""

    def __init__(self) -> None:
        self.queue: dict[str, str] = {}
        self.hidden: set[str] = set()
        self.posted: list[dict[str, Any]] = []
        self.status = 202
        self.url = ""

    def deliver(self, *events: dict[str, Any], as_base64: bool = True) -> None:
        for event in events:
            text = json.dumps(event)
            self.queue[event["id"]] = base64.b64encode(text.encode()).decode() if as_base64 else text

    async def receive(self, request: web.Request) -> web.Response:
        assert request.headers["x-ms-version"] >= "2017-11-09", "older versions accept no token"
        found = next((one for one in self.queue if one not in self.hidden), None)
        if found is None:
            inner = ""
        else:
            self.hidden.add(found)
            inner = (
                f"<QueueMessage><MessageId>{escape(found)}</MessageId><PopReceipt>AgAAAA+/==&amp;{found}</PopReceipt>"
                f"<DequeueCount>1</DequeueCount><MessageText>{escape(self.queue[found])}</MessageText></QueueMessage>"
            )
        document = f'\ufeff<?xml version="1.0" encoding="utf-8"?><QueueMessagesList>{inner}</QueueMessagesList>'
        return web.Response(body=document.encode(), content_type="application/xml")

    async def delete(self, request: web.Request) -> web.Response:
        message = request.match_info["message"]
        if request.query.get("popreceipt") != f"AgAAAA+/==&{message}":
            return web.Response(status=400)
        del self.queue[message]
        return web.Response(status=204)

    async def post(self, request: web.Request) -> web.Response:
        if self.status < 300:
            self.posted.append(await request.json())
        return web.Response(status=self.status)


@pytest_asyncio.fixture
async def outside() -> AsyncIterator[Outside]:
    made = Outside()
    app = web.Application()
    app.router.add_get("/teams-cards/messages", made.receive)
    app.router.add_delete("/teams-cards/messages/{message}", made.delete)
    app.router.add_post("/teams", made.post)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


async def run(outside: Outside) -> bool:
    async def wait(name: str, seconds: int) -> None:
        raise AssertionError(f"{name} waits {seconds} s")

    urls = {"callvaultUrl": APP, "queueUrl": f"{outside.url}/teams-cards", "teamsUrl": f"{outside.url}/teams"}
    async with aiohttp.ClientSession() as http, asyncio.timeout(20):
        return await Run(parameters=urls, trigger={}, http=http, wait=wait).actions(DEFINITION["actions"])


def cards(outside: Outside) -> list[Card]:
    return [Message.model_validate(one).attachments[0].content for one in outside.posted]


def example(kind: str, **data: Any) -> dict[str, Any]:
    (found,) = [one for one in EXAMPLES if one["type"] == kind]
    return {**found, "data": {name: value for name, value in {**found["data"], **data}.items() if value is not None}}


async def test_every_announcement_that_the_app_makes_becomes_a_valid_card(outside: Outside):
    app = await AppRun.prepared(TWO, **ANNOUNCING)
    await app.under(apply_at_once)
    made = app.world.topic.taken
    outside.deliver(*made)
    assert await run(outside)
    assert not outside.queue
    titles = [card.body[0].text for card in cards(outside)]
    assert titles == ["Chunk archived", "Chunk archived", "Recording archived"]
    assert [len(made), cards(outside)[-1].body[2].facts[-1].value] == [3, "2"]


async def test_the_card_of_a_recording_says_which_one_and_links_to_it(outside: Outside):
    event = example(COMPLETE, recordingId="a+/b=")
    outside.deliver(event)
    assert await run(outside)
    (card,) = cards(outside)
    title, name, facts, sentence = card.body
    assert (title.text, title.color) == ("Recording archived", "Good")
    assert name.inlines[0].text == "case 4711"
    assert {one.title: one.value for one in facts.facts} == {
        "Started": "2026-11-21 09:50 UTC",
        "State": "archived",
        "Chunks": "1",
    }
    assert sentence.inlines[0].text == "All files of the recording are safe."
    assert [one.url for one in card.actions] == [f"{APP}/api/dashboard#/recordings/a%2B%2Fb%3D"]


@pytest.mark.parametrize(("kind", "state"), [(FAILED, "failed"), ("Callvault.ChunkLost", "lost")])
async def test_the_card_of_a_failure_says_why_and_until_when(kind: str, state: str, outside: Outside):
    outside.deliver({**example(FAILED), "type": kind})
    assert await run(outside)
    (card,) = cards(outside)
    title, name, facts, sentence = card.body
    assert (title.text, title.color) == (f"Chunk {state}", "Attention")
    assert name.inlines[0].text == "Recording without a correlation"
    assert {one.title: one.value for one in facts.facts} == {
        "Started": "2026-11-21 09:50 UTC",
        "State": state,
        "Chunk": "1",
        "Deadline of the source": "2026-11-22 10:04 UTC",
        "Reason": "source-not-allowed",
    }
    assert sentence.inlines[0].text.startswith("a location is not on one of ACS's media hosts")


async def test_what_an_announcement_lacks_the_card_does_without(outside: Outside):
    outside.deliver(example(COMPLETE, startedAt=None, recordingId=None, correlation=None))
    assert await run(outside)
    (card,) = cards(outside)
    assert card.body[2].facts[0].value == "unknown"
    assert card.actions[0].url == f"{APP}/api/dashboard#/recordings"


async def test_a_correlation_is_never_read_as_a_link(outside: Outside):
    outside.deliver(example(COMPLETE, correlation='[Sign in](https://evil.example) "x" @{y}'))
    assert await run(outside)
    (card,) = cards(outside)
    assert card.body[1].inlines[0].text == '[Sign in](https://evil.example) "x" @{y}'


async def test_a_card_that_teams_refuses_stays_in_the_queue_and_fails_the_run(outside: Outside):
    outside.deliver(example(COMPLETE), example(FAILED))
    outside.status = 429
    assert not await run(outside)
    assert len(outside.queue) == 2
    outside.status = 202
    outside.hidden.clear()  # the message is visible again after its timeout
    assert await run(outside)
    assert (outside.queue, len(cards(outside))) == ({}, 2)


async def test_an_announcement_may_be_plain_text_too(outside: Outside):
    """Microsoft doesn't document in which form Event Grid delivers to a queue."""
    outside.deliver(example(COMPLETE, correlation="a & <b>"), as_base64=False)
    assert await run(outside)
    assert cards(outside)[0].body[1].inlines[0].text == "a & <b>"


async def test_an_empty_queue_posts_nothing(outside: Outside):
    assert await run(outside)
    assert outside.posted == []


def test_the_docs_name_what_the_cards_show():
    page = (CHECKOUT / "docs" / "logic-apps.md").read_text(encoding="utf-8")
    section = page.partition("## Cards in Teams\n")[2].partition("\n## ")[0]
    titles = {one["title"] for one in words().values()}
    assert titles <= set(re.findall(r"\*\*(.*?)\*\*", section))


def words() -> dict[str, dict[str, str]]:
    until = DEFINITION["actions"]["Until_the_queue_is_empty"]["actions"]
    found: dict[str, dict[str, str]] = until["If_there_is_a_message"]["actions"]["Words_of_types"]["inputs"]
    return found
