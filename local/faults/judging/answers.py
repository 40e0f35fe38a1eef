"""Checks the app's answers at the end of a run: health, summary, lists and archive records.

Each request goes to the app over HTTP, as a caller's does. The expected answer is computed from the catalogue.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping
from http import HTTPStatus
from typing import Any

from local.faults.judging.violations import Kind, Violation, violation
from local.faults.running_stack.evidence import Evidence
from local.faults.running_stack.stack_client import StackClient
from shared.domain.completeness import has_last, is_gapless
from shared.domain.keys import key_of
from shared.domain.records import Chunk
from shared.domain.states import IN_TROUBLE, SAFE, ChunkState, RecordingState

_PAGE = 100
_PARTICIPANTS = 12  # participants whose recordings are searched for
_OPEN = frozenset({ChunkState.PENDING, ChunkState.COPYING})


async def wrong_answers(client: StackClient, evidence: Evidence, gaps: Collection[str] = ()) -> list[Violation]:
    """`gaps`: recordings with a chunk that is never announced."""
    recordings: dict[str, list[Chunk]] = defaultdict(list)
    for chunk in evidence.chunks:
        recordings[chunk.recording_key].append(chunk)
    found = [sentence async for sentence in _wrong(client, evidence, recordings)]
    found += [sentence async for sentence in _incomplete(client, gaps)]
    return [violation(Kind.ANSWERED_WRONG, None, sentence) for sentence in found]


async def _wrong(client: StackClient, evidence: Evidence, recordings: Mapping[str, list[Chunk]]) -> AsyncIterator[str]:
    all_archived = {chunk.state for chunk in evidence.chunks} <= SAFE and not evidence.rows
    status, health = await client.ask("health")
    if not isinstance(health, dict) or status not in (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE):
        yield f"health returns {status}"
    elif all_archived and not evidence.poisoned and status != HTTPStatus.OK:
        bad = [check["name"] for check in health.get("checks", ()) if not check["ok"]]
        yield f"all chunks are archived, but health returns {status} because of {', '.join(bad) or 'its status'}"
    async for sentence in _summary(client, evidence, recordings):
        yield sentence
    async for sentence in _lists(client, recordings):
        yield sentence
    async for sentence in _participants(client, evidence):
        yield sentence
    for chunks in recordings.values():
        recording_id = chunks[0].recording_id
        if recording_id is not None and {chunk.state for chunk in chunks} <= SAFE:
            async for sentence in _record(client, recording_id, chunks):
                yield sentence


async def _incomplete(client: StackClient, gaps: Collection[str]) -> AsyncIterator[str]:
    for recording_id in gaps:
        key = key_of(recording_id)
        shown = [one async for one in _pages(client, "") if one["recordingKey"] == key]
        if any(one["state"] == RecordingState.ARCHIVED for one in shown):
            yield f"recording {key} is shown as archived, but one of its chunks was never announced"


async def _summary(
    client: StackClient, evidence: Evidence, recordings: Mapping[str, list[Chunk]]
) -> AsyncIterator[str]:
    status, summary = await client.ask("summary")
    if status != HTTPStatus.OK or not isinstance(summary, dict):
        yield f"the summary returns {status}"
        return
    if summary["open"]["items"] != len(evidence.rows):
        yield f"the summary counts {summary['open']['items']} open items; the worklist has {len(evidence.rows)} rows"
    shown = {one["recordingKey"] for one in summary["trouble"]["recordings"]}
    if wrong := shown - _in_trouble(recordings) - _awaiting_files(recordings):
        yield f"the summary shows {len(wrong)} recordings in trouble that aren't"


async def _lists(client: StackClient, recordings: Mapping[str, list[Chunk]]) -> AsyncIterator[str]:
    listed = [key async for key in _listed(client, "")]
    for key in recordings:
        if listed.count(key) != 1:
            yield f"recording {key} is {listed.count(key)} times in the list of all recordings"
    trouble = {key async for key in _listed(client, "&trouble=true")}
    if missing := _in_trouble(recordings) - trouble:
        yield f"the trouble list lacks {len(missing)} recordings"
    if wrong := (trouble & recordings.keys()) - _in_trouble(recordings) - _awaiting_files(recordings):
        yield f"the trouble list has {len(wrong)} recordings that aren't in trouble"
    still_open = {key async for key in _listed(client, "&open=true")}
    for key, chunks in recordings.items():
        states = {chunk.state for chunk in chunks}
        if states & _OPEN and key not in still_open:
            yield f"recording {key} is open, but not in the open list"
        if states == {ChunkState.RELEASED} and key in still_open and not _awaits_files(chunks):
            yield f"recording {key} is released, but in the open list"


async def _listed(client: StackClient, filters: str, **headers: str) -> AsyncIterator[str]:
    async for one in _pages(client, filters, **headers):
        yield one["recordingKey"]


async def _pages(client: StackClient, filters: str, **headers: str) -> AsyncIterator[dict[str, Any]]:
    cursor = ""
    while True:
        status, page = await client.ask(f"recordings?limit={_PAGE}{filters}{cursor}", **headers)
        if status != HTTPStatus.OK:
            return
        for one in page["recordings"]:
            yield one
        if page["nextCursor"] is None:
            return
        cursor = f"&cursor={page['nextCursor']}"


async def _participants(client: StackClient, evidence: Evidence) -> AsyncIterator[str]:
    """Each participant in the archived metadata must find the recording in the participants' index."""
    safe = [chunk for chunk in evidence.chunks if chunk.state in SAFE]
    for chunk in safe[:_PARTICIPANTS]:
        for person in evidence.originals[chunk.document_id].participants[:1]:
            found = {key async for key in _listed(client, "", **{"X-Participant-Id": person})}
            if chunk.recording_key not in found:
                yield f"recording {chunk.recording_key} isn't found by the id of one of its participants"


async def _record(client: StackClient, recording_id: str, chunks: list[Chunk]) -> AsyncIterator[str]:
    status, record = await client.ask(f"recordings/{recording_id}/archive")
    if status == HTTPStatus.ACCEPTED:
        return  # more chunks are expected
    if _awaits_files(chunks):
        if status != HTTPStatus.CONFLICT:
            yield f"the archive record of {recording_id} returns {status}, but not all of its chunks were announced"
        return
    if status != HTTPStatus.OK:
        yield f"the archive record of {recording_id} returns {status}, but all of its chunks are archived"
        return
    recorded: dict[str, Any] = {one["documentId"]: one for one in record["chunks"]}
    for chunk in chunks:
        one = recorded.get(chunk.document_id)
        if one is None or (one["blobName"], one["sha256"], one["size"]) != (chunk.blob_name, chunk.sha256, chunk.size):
            yield f"the archive record of {recording_id} doesn't match the files of document {chunk.document_id}"


def _awaiting_files(recordings: Mapping[str, list[Chunk]]) -> set[str]:
    return {key for key, chunks in recordings.items() if _awaits_files(chunks)}


def _awaits_files(chunks: list[Chunk]) -> bool:
    """Whether a chunk wasn't announced in a readable event. The recording then becomes overdue."""
    return not (has_last(tuple(chunks), ended=True) and is_gapless(tuple(chunks)))


def _in_trouble(recordings: Mapping[str, list[Chunk]]) -> set[str]:
    return {key for key, chunks in recordings.items() if {chunk.state for chunk in chunks} & IN_TROUBLE}
