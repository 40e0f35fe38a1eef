"""Raw storage at the end of a run, as the judges read it: rows by what they are, never through the app's code."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from local.memory.storage.account import Account
from local.memory.storage.conversions import Entity
from local.memory.storage.entities import Key, Row
from shared.settings.settings import Settings

SAFE = frozenset({"archived", "released"})
IN_TROUBLE = frozenset({"failed", "lost", "removed"})
_NEAR_DEADLINE = timedelta(hours=1)
_TIMES = ("copyingAt", "deadline")


@dataclass(frozen=True)
class Stored:
    """Tables and containers of one account."""

    account: Account
    settings: Settings

    def rows(self, table: str) -> Iterator[tuple[Key, Entity]]:
        rows: dict[Key, Row] = self.account.tables[table].rows
        for key, row in rows.items():
            yield key, row.entity

    def recordings(self) -> dict[str, Entity]:
        """The rows of recordings, by recordingKey."""
        return {key[0]: row for key, row in self.rows(self.settings.recordings_table) if key[1] == "recording"}

    def chunks(self) -> dict[str, list[Entity]]:
        """The rows of chunks, by recordingKey."""
        found: defaultdict[str, list[Entity]] = defaultdict(list)
        for key, row in self.rows(self.settings.recordings_table):
            if key[1].startswith("chunk-"):
                found[key[0]].append(row)
        return found

    def audit(self) -> dict[str, list[Entity]]:
        """Audit entries, by recordingKey."""
        found: defaultdict[str, list[Entity]] = defaultdict(list)
        for key, row in self.rows(self.settings.recordings_table):
            if key[1].startswith("audit-"):
                found[key[0]].append(row)
        return found

    def links(self, prefix: str) -> dict[str, Entity]:
        """Rows of the table links whose partition begins so, by the rest of the partition."""
        return {
            key[0].removeprefix(prefix): row
            for key, row in self.rows(self.settings.links_table)
            if key[0].startswith(prefix)
        }

    def blobs(self, container: str) -> dict[str, bytes]:
        blobs = self.account.containers[container]
        return {name: blobs.find(name).data for name in blobs.names()}

    def metadata_of(self, chunk: Entity) -> dict[str, Any]:
        """The chunk's metadata file in the archive; empty if there is none."""
        name = chunk.get("metadataBlobName")
        blobs = self.account.containers[self.settings.archive_container]
        return json.loads(blobs.find(name).data) if name in blobs.names() else {}


def must_be_indexed(chunk: Entity) -> bool:
    """Whether the lists must have a chunk's participants: a copy that began near the deadline doesn't fail for them."""
    began, deadline = (datetime.fromisoformat(str(chunk.get(name) or chunk["deadline"])) for name in _TIMES)
    return chunk["state"] in SAFE and began < deadline - _NEAR_DEADLINE


def is_whole(recording: Entity, chunks: list[Entity]) -> bool:
    """Whether all files of a recording are announced: no index is missing, and the last one ends the session."""
    if not chunks:
        return False
    indexes = {int(chunk["index"]) for chunk in chunks}
    reasons = [chunk.get("endReason") for chunk in chunks if int(chunk["index"]) == max(indexes)]
    known = [reason for reason in reasons if reason]
    ended = bool(recording.get("sessionEndReason") or recording.get("stoppedAt"))
    has_last = any(not reason.lower().startswith("chunk") for reason in known) if known else ended
    return has_last and indexes == set(range(len(indexes)))
