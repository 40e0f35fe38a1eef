"""Runs the sample Logic App against the whole stack: Callvault accepts its requests, and each run ends as expected."""

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from infra.package import CHECKOUT
from tests.acceptance.conftest import Deployment
from tests.infra.logicapp import Run
from tests.infra.test_logic_app import DEFINITION

pytestmark = pytest.mark.asyncio(loop_scope="session")


PAGE = (CHECKOUT / "docs" / "logic-apps.md").read_text()


class Receiver:
    """The server to which the Logic App sends the archive record."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.received.append(await request.json())
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        return web.Response()


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_post("/result", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/result"
    yield made
    await runner.cleanup()


async def run(deployment: Deployment, trigger: dict[str, Any], result_url: str = "") -> Run:
    defaults = {name: one.get("defaultValue") for name, one in DEFINITION["parameters"].items()}
    given = {"callvaultUrl": deployment.where.functions, "functionKey": deployment.where.functions_key}
    parameters = {**defaults, **given, "audience": "api://callvault", "resultUrl": result_url}
    return await played(deployment, DEFINITION["actions"], parameters, trigger)


async def played(
    deployment: Deployment, actions: dict[str, Any], parameters: dict[str, Any], trigger: dict[str, Any]
) -> Run:
    async def wait(name: str, seconds: int) -> None:
        assert seconds > 0, name
        await asyncio.sleep(0.05)  # times of the test stack are shorter than Azure's

    made = Run(parameters=parameters, trigger=trigger, http=deployment.http, wait=wait, name=uuid.uuid4().hex)
    async with asyncio.timeout(120):
        await made.actions(actions)
    return made


async def test_the_logic_app_records_a_call_waits_and_sends_its_archive_record_on(
    deployment: Deployment, receiver: Receiver
):
    call = await deployment.acs("POST", "/calls", kind="group", participants=2)
    start = {"serverCallId": call["serverCallId"], "content": "audio", "format": "mp3", "correlation": "case 1"}
    made = await run(deployment, {"start": start, "recordForSeconds": 5}, receiver.url)
    assert made.error is None
    assert made.states["Hand_on"] == "SUCCEEDED"
    (record,) = receiver.received
    assert (record["correlation"], record["format"]) == ("case 1", "mp3")
    assert record["chunks"][0]["sha256"]
    asked = [request["uri"] for request in made.requests if request["name"] == "Ask_for_archive"]
    assert set(asked) == {made.outputs["Stop_recording"]["headers"]["Location"]}
    assert not {"x-functions-key", "authorization"} & receiver.headers[0].keys(), "the key is for Callvault alone"


async def test_the_logic_app_waits_for_a_recording_that_other_code_started(deployment: Deployment):
    made = await deployment.acs("POST", "/documents", size=20_000, format="wav", announce=False)
    await deployment.deliver([made["event"]])
    done = await run(deployment, {"data": {"recordingId": made["recordingId"]}})
    assert done.error is None
    assert (done.states["If_archived"], done.states["If_someone_wants_it"]) == ("SUCCEEDED", "SUCCEEDED")
    assert "Start_recording" not in done.states
    assert done.outputs["Ask_for_archive"]["body"]["recordingId"] == made["recordingId"]


async def test_a_recording_that_can_t_be_archived_fails_the_run_with_the_reason(deployment: Deployment):
    made = await deployment.acs("POST", "/documents", size=20_000, format="wav", announce=False)
    fault = {"operation": "download", "kind": "redirect", "host": "media.example.net"}
    await deployment.acs("POST", "/faults", **fault, documentId=made["chunks"][0]["documentId"])
    await deployment.deliver([made["event"]])
    done = await run(deployment, {"data": {"recordingId": made["recordingId"]}})
    assert done.error is not None
    assert done.error["code"] == "chunk-failed", json.dumps(done.error)
    assert done.error["message"]


def documented_actions() -> dict[str, Any]:
    """The actions of the docs, for an app that requires only a key."""
    actions: dict[str, Any] = {}
    for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL):
        actions |= json.loads(f"{{{block}}}")
    for name in ("Start_recording", "Stop_recording"):
        del actions[name]["inputs"]["authentication"]
    del actions["Stop_recording"]["inputs"]["headers"]["Prefer"]
    return actions


async def test_the_documented_actions_record_a_call_and_waits_for_its_archive(deployment: Deployment):
    actions = documented_actions()
    assert list(actions) == ["Start_recording", "Stop_recording", "Until_archived"]
    served = json.loads(json.dumps(actions).replace("https://<app>.azurewebsites.net", deployment.where.functions))
    served["Start_recording"]["inputs"]["body"] |= {"content": "audio", "format": "wav"}  # faster to make than a video
    call = await deployment.acs("POST", "/calls", kind="group", participants=2)
    parameters = {"callvaultKey": deployment.where.functions_key}
    made = await played(deployment, served, parameters, {"serverCallId": call["serverCallId"]})
    assert made.states["Until_archived"] == "SUCCEEDED"
    record = made.outputs["Ask_for_archive"]
    assert (record["statusCode"], record["body"]["correlation"]) == (200, made.name)
