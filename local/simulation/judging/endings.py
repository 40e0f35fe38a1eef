"""What must be true at the end of a run, once nothing is left to do. Read from raw storage."""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from local.faults.schedules.unusual_events import End
from local.simulation.callers.history import History
from local.simulation.judging.announcement_ids import AnnouncementIds
from local.simulation.judging.awaited import Awaited
from local.simulation.judging.calls import Calls
from local.simulation.judging.complete import CompleteAnnouncements
from local.simulation.judging.histories import Histories
from local.simulation.judging.invariants import Invariants
from local.simulation.judging.participants import Participants
from local.simulation.judging.quarantine import QuarantineContents
from local.simulation.judging.stored import Stored
from local.simulation.schedules.recordings import QUIET
from local.simulation.schedules.schedule import Schedule
from local.simulation.world.cluster import BEGIN
from local.simulation.world.sources import SimulatedAcs, Source, Trouble
from local.simulation.world.topic import SimulatedTopic
from shared.domain.keys import key_of

_CHUNK = "chunk-"
_SAFE = ("archived", "released")
_TROUBLE = ("failed", "lost", "removed")
_DECIDED = timedelta(hours=8)  # a source that lasts this long after the faults must be archived
_PROOF = timedelta(hours=3.9)  # a source that is gone for about four hours counts as lost
_TYPES = {"archived": "Callvault.ChunkArchived", "failed": "Callvault.ChunkFailed", "lost": "Callvault.ChunkLost"}

type Entity = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What was seen of a run outside of storage."""

    acs: SimulatedAcs
    topic: SimulatedTopic
    invariants: Invariants
    history: History


class Endings:
    """Judges the end of a run."""

    def __init__(self, stored: Stored, world: Observed, schedule: Schedule) -> None:
        acs, topic, history = world.acs, world.topic, world.history
        self._account, self._settings = stored.account, stored.settings
        self._topic, self._history = topic, history
        removed = {
            key_of(recording.recording_id)
            for recording in schedule.recordings
            if any(request.tampers for request in recording.requests)
        }
        self._judges = (
            Calls(stored, acs, schedule, history),
            Histories(stored, acs, schedule, history),
            QuarantineContents(stored, schedule, history),
            Participants(stored),
            CompleteAnnouncements(stored, topic),
            AnnouncementIds(topic.announced, clocks_agree=not any(schedule.skews), removed=removed),
            Awaited(stored, world.invariants, schedule),
        )
        self._ends = {name: end for recording in schedule.recordings for name, end in recording.ends.items()}
        self._undecided = {
            one.document_id for recording in schedule.recordings if recording.undecided for one in recording.sources
        }
        self._documents = {one.document_id: one for recording in schedule.recordings for one in recording.sources}

    def violations(self) -> list[str]:
        for one in itertools.chain.from_iterable(self._history.published.values()):
            self._documents[one.document_id] = one
        chunks = self._chunks()
        found = [*self._left(), *self._catalogue(chunks)]
        for chunk in chunks:
            name = str(chunk["documentId"])
            source = self._documents.get(name)
            if source is not None:
                found += [f"{name} {sentence} (it is {chunk['state']})" for sentence in self._chunk(chunk, source)]
        found += [*self._files(chunks), *self._lists(chunks), *self._announced(chunks)]
        return [*found, *itertools.chain.from_iterable(judge.violations() for judge in self._judges)]

    def _chunks(self) -> list[Entity]:
        rows = self._account.tables[self._settings.recordings_table].rows
        return [row.entity for key, row in rows.items() if key[1].startswith(_CHUNK)]

    def _end_of(self, document_id: str) -> End:
        return self._ends.get(document_id, End.RELEASED)

    def _left(self) -> Iterator[str]:
        rows = self._account.tables[self._settings.worklist_table].rows
        for _, row in rows:
            yield f"the worklist still has the row {row}"
        for name, queue in self._account.queues.items():
            if queue.messages:
                yield f"the queue {name} still has {len(queue.messages)} messages"

    def _catalogue(self, chunks: list[Entity]) -> Iterator[str]:
        counted = Counter(str(chunk["documentId"]) for chunk in chunks)
        for name in self._documents:
            end = self._end_of(name)
            if name not in counted and end not in (End.REFUSED, End.IGNORED):
                yield f"{name} was announced, but isn't in the catalogue"
            if name in counted and end is End.IGNORED:
                yield f"{name} must be ignored, but is in the catalogue"
        for name, number in counted.items():
            if number > 1:
                yield f"{name} is {number} times in the catalogue"
            if name not in self._documents:
                yield f"{name} is in the catalogue, but was never announced"

    def _chunk(self, chunk: Entity, source: Source) -> Iterator[str]:
        state, end = chunk["state"], self._end_of(source.document_id)
        if state in ("pending", "copying"):
            yield "hasn't ended"
        if state in _TROUBLE and not chunk.get("reason"):
            yield "has no reason"
        if state == "archived" and not chunk.get("reason"):
            yield "isn't released and doesn't say why"
        if "outbox" in chunk:
            yield "still has announcements to send"
        if state == "copying" or (state != "copying" and "leaseUntil" in chunk):
            yield "still has a lease"
        yield from self._expected(chunk, end, source)

    def _expected(self, chunk: Entity, end: End, source: Source) -> Iterator[str]:
        """What the document's event and its source's life require of its end."""
        state = chunk["state"]
        if end is End.REFUSED and state == "released":
            yield "can't be archived correctly, but was released"
        if end is End.KEPT and source.is_deleted:
            yield "must keep its source, but it was deleted"
        if source.document_id in self._undecided:
            return
        if end is End.RELEASED and "blobName" not in chunk and _lasted(source, but=Trouble.NO_METADATA):
            yield "has no media in the archive, although only its metadata are missing"
        if end is End.RELEASED and _lasted(source) and state != "released":
            yield f"could be archived and released for {_DECIDED} after the faults"
        if end is End.KEPT and _lasted(source) and state not in _SAFE:
            yield f"could be archived for {_DECIDED} after the faults"

    def _files(self, chunks: list[Entity]) -> Iterator[str]:
        """The archive has the right bytes of each safe chunk, under the names in the catalogue, and no others."""
        container = self._account.containers[self._settings.archive_container]
        files = {name: container.find(name).data for name in container.names()}
        named: set[str] = set()
        for chunk in chunks:
            source = self._documents.get(str(chunk["documentId"]))
            media, metadata = chunk.get("blobName"), chunk.get("metadataBlobName")
            named |= {name for name in (media, metadata) if name}
            if source is None or chunk["state"] not in _SAFE or "unverified" in chunk:
                continue
            if media is None or not source.may_be_archived(files.get(media, b"")):
                yield f"{source.document_id} is {chunk['state']}, but the archive doesn't have its media"
            if metadata is not None and files.get(metadata) != source.metadata:
                yield f"{source.document_id} is {chunk['state']}, but the archive has other metadata"
        stray = [name for name in files if name not in named and ".unverified." not in name]
        for name in stray:
            if not any(self._may_be_stray(name, chunk) for chunk in chunks):
                yield f"the archive has a file that no row names: {name}"

    def _may_be_stray(self, name: str, chunk: Entity) -> bool:
        """Whether an attempt may have left this file without recording it."""
        document_id = str(chunk["documentId"])
        return document_id in name and (chunk["state"] not in _SAFE or document_id in self._undecided)

    def _lists(self, chunks: list[Entity]) -> Iterator[str]:
        """Each recording is in the list of its day, and each chunk in trouble in the list of trouble."""
        rows = self._account.tables[self._settings.calendar_table].rows
        listed = {name: [row for _, row in rows if row.startswith(f"{name}-")] for name in ("day", "trouble")}
        for key in {str(chunk["PartitionKey"]) for chunk in chunks}:
            if not any(key in row for row in listed["day"]):
                yield f"the recording {key} isn't in the list of its day"
        for chunk in chunks:
            key = str(chunk["RowKey"]).removeprefix(_CHUNK)
            if chunk["state"] in _TROUBLE and not any(key in row for row in listed["trouble"]):
                yield f"{chunk['documentId']} is {chunk['state']}, but not in the list of trouble"

    def _announced(self, chunks: list[Entity]) -> Iterator[str]:
        """The final state of each chunk was announced."""
        kinds: dict[str, set[str]] = {}
        for event in self._topic.announced:
            if "documentId" in event.get("data", {}):
                kinds.setdefault(event["data"]["documentId"], set()).add(event["type"])
        for chunk in chunks:
            wanted = _TYPES.get("archived" if chunk["state"] == "released" else str(chunk["state"]))
            if wanted is not None and wanted not in kinds.get(str(chunk["documentId"]), set()):
                yield f"{chunk['documentId']} is {chunk['state']}, which was not announced"


def _lasted(source: Source, *, but: Trouble | None = None) -> bool:
    """Whether the source was there, without any trouble but one, for long enough after the last fault."""
    quiet = BEGIN + timedelta(seconds=QUIET)
    windows = [one for one in source.windows if one.trouble not in (Trouble.CHANGED, but)]
    if any(one.trouble is Trouble.GONE and one.ends - one.begins >= _PROOF for one in windows):
        return False
    return source.expires >= max([quiet, *(one.ends for one in windows)]) + _DECIDED
