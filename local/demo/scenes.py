"""The three recordings of the demo, each of another kind, and what happens while they run."""

from dataclasses import dataclass, field
from typing import Any

from local.demo.peers import Answered, Peers


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One recorded call. `lengths` in seconds, one a chunk: the simulator is told to let the time have passed."""

    title: str
    lengths: tuple[int, ...]
    wanted: dict[str, Any]
    call: dict[str, Any] = field(default_factory=dict)
    paused: bool = False
    affinity: bool = False


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
)


async def play(scene: Scene, peers: Peers) -> tuple[str, Answered]:
    """Makes the call, records it through the function app as the scene says, and stops.

    Gives the recordingId, and what the stop was answered.
    """
    call = await peers.acs("POST", "/calls", {"kind": "group", "participants": 2} | scene.call)
    request = scene.wanted | {"serverCallId": call["serverCallId"], "correlation": f"demo/{scene.title}"}
    if scene.affinity:
        people = enumerate(call["participants"])
        request["channelAffinity"] = [
            {"participantId": one["participantId"], "channel": number} for number, one in people
        ]
    started = await peers.callvault("POST", "", request)
    recording_id = str(started["recordingId"])
    for number, seconds in enumerate(scene.lengths):
        if number:
            await peers.acs("POST", f"/recordings/{recording_id}/cut")
        await peers.acs("POST", f"/recordings/{recording_id}/advance", {"seconds": seconds})
        if scene.paused and number == 0:
            await peers.recording(recording_id, "/pause")
            await peers.recording(recording_id, "/resume")
    return recording_id, await peers.stopped(recording_id)
