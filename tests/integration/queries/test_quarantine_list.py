"""What couldn't be processed is listed with its reason. Without the list, only people with the Azure CLI find it."""

import json
from typing import Any

import pytest

from tests.integration.recovery.test_replay_and_poison import EVENTS
from tests.integration.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def page(world: World, **parameters: str) -> dict[str, Any]:
    answer = await world.queries.quarantine(parameters)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = json.loads(answer.body)
    return found


def event(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return found


async def test_an_empty_quarantine_has_an_empty_list(world: World):
    expected = {"entries": [], "total": 0, "notReplayed": 0, "complete": True, "nextCursor": None}
    assert await page(world) == expected


@pytest.mark.storage("memory", "azurite")
async def test_each_entry_has_its_reason_time_and_id_and_no_content(world: World):
    unreadable = event("broken-no-chunks.json")
    await world.commands.submit_events(json.dumps(unreadable).encode(), by="ada")
    (entry,) = (await page(world))["entries"]
    assert (entry["kind"], entry["by"], entry["eventId"]) == ("event", "ada", unreadable["id"])
    assert entry["eventType"] == "Microsoft.Communication.RecordingFileStatusUpdated"
    assert "recordingChunks" in entry["reason"]
    assert entry["name"] == f"{entry['quarantineId']}.json"
    assert entry["receivedAt"] is not None
    assert entry["replayedAt"] is None
    assert entry["size"] > 0
    assert unreadable["subject"] not in json.dumps(entry), "an event may name people"


@pytest.mark.storage("memory", "azurite")
async def test_a_replayed_event_says_when(world: World):
    kept = {"reason": "an older version could not read it", "event": event("current.json")}
    await world.quarantine("abc123.json", json.dumps(kept).encode())
    assert (await page(world))["notReplayed"] == 1
    (entry,) = (await page(world))["entries"]
    assert (await world.commands.replay_quarantined(entry["quarantineId"], by="ada")).status == 202
    shown = await page(world)
    assert shown["entries"][0]["replayedAt"] is not None
    assert (shown["total"], shown["notReplayed"]) == (1, 0)


async def test_callbacks_and_messages_are_listed_by_kind_and_can_t_be_replayed(world: World):
    await world.app.poison.keep(b"no job")
    await world.quarantine("callbacks/a.json", json.dumps({"reason": "type: is missing", "event": {}}).encode())
    await world.quarantine("b.json", b"not Callvault's")
    assert {one["kind"] for one in (await page(world))["entries"]} == {"event", "callback", "job"}
    (job,) = (await page(world, kind="job"))["entries"]
    assert (job["quarantineId"], job["reason"]) == (None, "the function failed too often")
    (callback,) = (await page(world, kind="callback"))["entries"]
    assert (callback["quarantineId"], callback["reason"]) == (None, "type: is missing")
    (foreign,) = (await page(world, kind="event"))["entries"]
    assert (foreign["name"], foreign["reason"]) == ("b.json", None)


async def test_pages_follow_each_other_without_gaps_and_repeats(world: World):
    for number in range(5):
        await world.quarantine(f"{number}.json", b"{}")
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        shown = await page(world, limit="2", **cursor)
        assert shown["total"] == 5
        seen += [one["name"] for one in shown["entries"]]
        cursor = {"cursor": shown["nextCursor"]}
    assert shown["nextCursor"] is None
    assert sorted(seen) == [f"{number}.json" for number in range(5)]


@pytest.mark.parametrize(
    "parameters", [{"cursor": "%%%"}, {"cursor": "YWJj"}, {"cursor": "YSBi"}, {"kind": "chunk"}, {"limit": "0"}]
)
async def test_a_wrong_parameter_is_named(world: World, parameters: dict[str, str]):
    answer = await world.queries.quarantine(parameters)
    (error,) = json.loads(answer.body)["errors"]
    assert (answer.status, error["field"]) == (400, next(iter(parameters)))
