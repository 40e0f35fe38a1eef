"""A recording whose files are all safe is announced as complete, and never before each of its files."""

from collections.abc import Iterator

from local.simulation.judging.stored import SAFE, Stored, is_whole
from local.simulation.world.topic import SimulatedTopic

_ARCHIVED, _COMPLETE = "Callvault.ChunkArchived", "Callvault.RecordingComplete"


class CompleteAnnouncements:
    """Judges the announcements of recordings."""

    def __init__(self, stored: Stored, topic: SimulatedTopic) -> None:
        self._stored, self._topic = stored, topic

    def violations(self) -> Iterator[str]:
        archived: set[str] = set()
        complete: set[tuple[str, frozenset[str]]] = set()
        for event in self._topic.announced:
            data = event["data"]
            if event["type"] == _ARCHIVED:
                archived.add(data["documentId"])
            elif event["type"] == _COMPLETE:
                documents = frozenset(one["documentId"] for one in data["chunks"])
                complete.add((data["recordingKey"], documents))
                for document_id in sorted(documents - archived):
                    yield f"{document_id}'s recording was announced as complete before the file as archived"
        chunks = self._stored.chunks()
        for key, row in self._stored.recordings().items():
            files = chunks.get(key, [])
            documents = frozenset(str(chunk["documentId"]) for chunk in files)
            # An archived chunk without metadata isn't in the announcement.
            safe = all(chunk["state"] in SAFE and "metadataBlobName" in chunk for chunk in files)
            if is_whole(row, files) and safe and (key, documents) not in complete:
                yield f"the recording {key} is complete, which was not announced"
