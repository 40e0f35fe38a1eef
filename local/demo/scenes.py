"""The demo's four recordings: their kinds, and what happens while they run."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from local.demo.peers import Answer, DemoError, Peers

AUTO_RECORD = '{"on": ["CallStarted"], "calls": ["room"], "format": "mp3", "correlation": "demo/town hall"}'
_PATIENCE = 30.0  # seconds until an automatic recording must have started
_POLL = 0.1


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One recorded call."""

    title: str
    lengths: tuple[int, ...]  # seconds of each chunk; the simulator advances its clock, nobody waits
    wanted: dict[str, Any]
    call: dict[str, Any] = field(default_factory=dict)
    paused: bool = False
    affinity: bool = False
    automatic: bool = False  # started by AUTO_RECORD, not by a request


SCENES = (
    Scene(title="support call", lengths=(20,), wanted={"content": "audioVideo", "channel": "mixed", "format": "mp4"}),
    Scene(
        title="board meeting",
        lengths=(300, 300, 120),
        wanted={"content": "audio", "channel": "mixed", "format": "mp3"},
        call={"redirects": True, "repeatEvents": 2},
        paused=True,
    ),
    Scene(
        title="interview",
        lengths=(60,),
        wanted={"content": "audio", "channel": "unmixed", "format": "wav"},
        call={"participants": [{"name": "Asker"}, {"name": "Answerer"}, {"name": "Clerk"}]},
        affinity=True,
    ),
    Scene(title="town hall", lengths=(90,), wanted={}, call={"kind": "room"}, automatic=True),
)


async def play(scene: Scene, peers: Peers) -> tuple[str, Answer]:
    """Creates the call, records it through the function app, and stops the recording.

    Returns the recordingId and the response to the stop.
    """
    call = await peers.acs("POST", "/calls", {"kind": "group", "participants": 2} | scene.call)
    recording_id = await (_started_automatically(call, peers) if scene.automatic else _start(scene, call, peers))
    for number, seconds in enumerate(scene.lengths):
        if number:
            await peers.acs("POST", f"/recordings/{recording_id}/cut")
        await peers.acs("POST", f"/recordings/{recording_id}/advance", {"seconds": seconds})
        if scene.paused and number == 0:
            await peers.recording(recording_id, "/pause")
            await peers.recording(recording_id, "/resume")
    return recording_id, await peers.stop(recording_id)


async def _start(scene: Scene, call: dict[str, Any], peers: Peers) -> str:
    request = scene.wanted | {"serverCallId": call["serverCallId"], "correlation": f"demo/{scene.title}"}
    if scene.affinity:
        people = enumerate(call["participants"])
        request["channelAffinity"] = [
            {"participantId": one["participantId"], "channel": number} for number, one in people
        ]
    started = await peers.callvault("POST", "", request)
    return str(started["recordingId"])


async def _started_automatically(call: dict[str, Any], peers: Peers) -> str:
    """Waits for the recording that the function app starts when ACS sends the CallStarted event."""
    until = time.monotonic() + _PATIENCE
    while True:
        page = await peers.callvault("GET", f"?serverCallId={quote(call['serverCallId'])}")
        if page["recordings"]:
            return str(page["recordings"][0]["recordingId"])
        if time.monotonic() > until:
            raise DemoError(f"Callvault did not record a call automatically within {_PATIENCE:.0f} s.")
        await asyncio.sleep(_POLL)
