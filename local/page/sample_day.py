"""Sample data for the screenshots: real recordings through the whole stack, and statistics of the hours before."""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.data.tables.aio import TableServiceClient

from local.demo.peers import Peers
from shared.domain.random_source import RandomSource
from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from shared.gateways.tables.tallies import Tallies
from shared.settings.settings import Settings

_SEED = 7
_MP3 = {"content": "audio", "channel": "mixed", "format": "mp3"}
_WAV = {"content": "audio", "channel": "unmixed", "format": "wav"}
_REDIRECTED = {"operation": "download", "kind": "redirect", "host": "media.example.net", "times": 0}
_SLOW = {"operation": "download", "kind": "slow", "bytesPerSecond": 900_000, "times": 0}


@dataclass(frozen=True, kw_only=True)
class Call:
    """A recorded call: a chunk for each of `lengths`, in seconds. The second has a pause of `paused` seconds."""

    name: str
    lengths: tuple[int, ...]
    wanted: dict[str, Any] = field(default_factory=lambda: _MP3)
    people: int = 2
    paused: int = 0
    fault: dict[str, Any] | None = None
    ends: bool = True


SHOWN = Call(name="Interview 77", lengths=(420, 380), wanted=_WAV, people=3, paused=150)
CALLS = (
    Call(name="Case 2026-1160", lengths=(245,)),
    Call(name="Case 2026-1161", lengths=(612,)),
    Call(name="Onboarding, Contoso", lengths=(30,), wanted={"content": "audioVideo"}),
    Call(name="Case 2026-1162", lengths=(1800, 940)),
    Call(name="Complaint 31", lengths=(320,), fault=_REDIRECTED),
    SHOWN,
    Call(name="Case 2026-1163", lengths=(175,)),
    Call(name="Hotline, line 3", lengths=(90,), ends=False),
    Call(name="Case 2026-1164", lengths=(421,)),
    Call(name="Board meeting", lengths=(3600,), wanted=_WAV, people=4, fault=_SLOW),
)


async def record(call: Call, peers: Peers) -> str:
    """Simulates a call and records it. Returns the recordingId."""
    made = await peers.acs("POST", "/calls", {"kind": "group", "participants": call.people})
    request = call.wanted | {"serverCallId": made["serverCallId"], "correlation": call.name}
    if call.wanted is _WAV:
        people = enumerate(made["participants"])
        request["channelAffinity"] = [{"participantId": one["participantId"], "channel": n} for n, one in people]
    recording_id = str((await peers.callvault("POST", "", request))["recordingId"])
    if call.fault is not None:
        await peers.acs("POST", "/faults", call.fault | {"recordingId": recording_id})
    for number, seconds in enumerate(call.lengths):
        if number:
            await peers.acs("POST", f"/recordings/{recording_id}/cut")
        await peers.acs("POST", f"/recordings/{recording_id}/advance", {"seconds": seconds})
        if number and call.paused:
            await peers.recording(recording_id, "/pause")
            await peers.acs("POST", f"/recordings/{recording_id}/advance", {"seconds": call.paused})
            await peers.recording(recording_id, "/resume")
            await peers.acs("POST", f"/recordings/{recording_id}/advance", {"seconds": seconds // 2})
    if call.ends:
        await peers.recording(recording_id, "/stop")
    return recording_id


async def fill_statistics(storage: str) -> None:
    """Writes statistics for the last 24 hours, busiest at noon, through the product's own gateway."""
    rng = random.Random(_SEED)  # noqa: S311 - the same data each time
    now = datetime.now(UTC)
    async with TableServiceClient.from_connection_string(storage) as tables:
        tallies = Tallies(tables, Settings.model_fields["calendar_table"].default, RandomSource())
        for quarter in range(95, 1, -1):
            at = now - timedelta(minutes=15 * quarter)
            busy = max(0.0, 1 - abs(at.hour + at.minute / 60 - 12.5) / 8)
            for _ in range(max(0, round(rng.gauss(24 * busy, 3)))):
                await tallies.count(
                    _safe(at, seconds=min(240, rng.lognormvariate(1.2, 0.9)), size=rng.randrange(40_000_000))
                )
            if rng.random() < busy / 12:
                await tallies.count(_ended(at, ChunkState.FAILED, failed_at=at))


def _safe(at: datetime, *, seconds: float, size: int) -> Chunk:
    return _ended(at, ChunkState.ARCHIVED, archived_at=at, event_time=at - timedelta(seconds=seconds), size=size)


def _ended(at: datetime, state: ChunkState, **fields: Any) -> Chunk:
    nowhere: dict[str, Any] = dict.fromkeys(("content_location", "metadata_location", "delete_location"), "")
    names: dict[str, Any] = dict.fromkeys(("recording_key", "chunk_key", "document_id", "event_id"), "")
    times: dict[str, Any] = dict.fromkeys(("started_at", "event_time", "deadline", "pending_at"), at)
    return Chunk(**nowhere | names | times | {"index": 0, "state": state} | fields)


async def day(peers: Peers, storage: str) -> dict[str, str]:
    """Creates the whole day. Returns the recordingId of each call by its name."""
    await fill_statistics(storage)
    recording_ids = {}
    for call in CALLS:
        recording_ids[call.name] = await record(call, peers)
        await asyncio.sleep(0)
    return recording_ids
