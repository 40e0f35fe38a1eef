"""People and monitors who read: health, the summary, lists, archive records, links; and who replay quarantined events.

And rows that can't be read for a time, as rows of a newer version of the app are to an older one.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from local.memory.storage.conversions import Entity
from local.memory.storage.entities import Key, Row
from local.simulation.callers.history import History
from local.simulation.callers.platform import Platform
from local.simulation.schedules.mishandling import Asked, Damage, Damaged, Question
from local.simulation.world.cluster import Function, Outcome
from shared.queries.downloads import File

READER = "reader"
SUBMITTED = "event submitted"  # the audit entry of an event that a person sent
_URL = "https://callvault.example/api/recordings"
# What a newer version might write. None of it can be read.
_NEWER: dict[Damaged, Entity] = {
    Damaged.CHUNK: {"state": "frozen"},
    Damaged.RECORDING: {"control": "levitating"},
    Damaged.WORKLIST: {"recordingKey": 7},
}
READS = {Asked.ARCHIVE: "read archive", Asked.CONTENT: "read content"}  # their audit entries


@dataclass
class Readers:
    """Plays questions and damages. `harmed` is called around each damage of a row of the catalogue."""

    platform: Platform
    history: History
    harmed: Callable[[str], None] = lambda _: None  # with a table's name
    pending: int = 0

    def ask(self, question: Question, events: Sequence[dict[str, Any]]) -> None:
        """Asks something at some time. `events`: those that a person may submit by hand."""
        self.pending += 1
        self.platform.spawn(self._submit(question, events) if question.asked is Asked.SUBMIT else self._ask(question))

    def damage(self, damage: Damage) -> None:
        self.pending += 1
        self.platform.spawn(self._damage(damage))

    async def _submit(self, question: Question, events: Sequence[dict[str, Any]]) -> None:
        await asyncio.sleep(question.at)
        if events:
            event = events[int(question.choice * len(events))]
            recording_id = event["subject"].rpartition("/")[2]
            body = json.dumps(event).encode()
            self.history.requested[recording_id][SUBMITTED] += 1
            outcome = await self.platform.invoke(
                question.asked, lambda app: app.commands.submit_events(body, by=READER)
            )
            self.history.confirmed[recording_id][SUBMITTED] += outcome is Outcome.DONE
        self.pending -= 1

    async def _ask(self, question: Question) -> None:
        await asyncio.sleep(question.at)
        function, recording_id = self._function(question)
        if function is not None:
            action = READS.get(question.asked)
            if recording_id and action:
                self.history.requested[recording_id][action] += 1
            outcome = await self.platform.invoke(question.asked, function)
            if recording_id and action and outcome is Outcome.DONE and question.asked is Asked.CONTENT:
                self.history.confirmed[recording_id][action] += 1
        self.pending -= 1

    def _function(self, question: Question) -> tuple[Function | None, str | None]:
        match question.asked:
            case Asked.HEALTH:
                return lambda app: app.commands.health(), None
            case Asked.SUMMARY:
                return lambda app: app.queries.summary(), None
            case Asked.LIST:
                return lambda app: app.queries.recordings({}, None, by=READER), None
            case Asked.QUARANTINED:
                return self._replay(question.choice), None
        found = self._one(self._rows("chunk-"), question.choice)
        if found is None:
            return None, None
        chunk = self._table()[found].entity
        recording_id, document_id = str(chunk.get("recordingId") or ""), str(chunk["documentId"])
        if not recording_id:
            return None, None
        if question.asked is Asked.ARCHIVE:
            return lambda app: app.commands.archive(recording_id, url=_URL, by=READER), recording_id
        path = {"recordingId": recording_id, "documentId": document_id}
        return lambda app: app.queries.link(File.CONTENT, path, {}, by=READER), recording_id

    def _replay(self, choice: float) -> Function | None:
        quarantine = self.platform.account.containers[self.platform.settings.quarantine_container]
        kept = [name for name in quarantine.names() if "/" not in name]
        if not kept:
            return None
        self.history.resubmitted += 1
        name = kept[int(choice * len(kept))].removesuffix(".json")
        return lambda app: app.commands.replay_quarantined(name, by=READER)

    async def _damage(self, damage: Damage) -> None:
        await asyncio.sleep(damage.at)
        settings = self.platform.settings
        name = settings.worklist_table if damage.row is Damaged.WORKLIST else settings.recordings_table
        table = self.platform.account.tables[name]
        prefix = {Damaged.CHUNK: "chunk-", Damaged.RECORDING: "recording", Damaged.WORKLIST: ""}[damage.row]
        key = self._one([one for one in table.rows if one[1].startswith(prefix)], damage.choice)
        if key is not None:
            whole = table.rows[key]
            self._put(name, key, {**whole.entity, **_NEWER[damage.row]}, f"makes {damage.row} {key[1]} unreadable")
            await asyncio.sleep(damage.lasts)
            self._restore(name, key, whole.entity, _NEWER[damage.row])
        self.pending -= 1

    def _restore(self, name: str, key: Key, whole: Entity, broken: Entity) -> None:
        """Restores a property, unless the app has written it meanwhile."""
        row = self.platform.account.tables[name].rows.get(key)
        for field, value in broken.items():
            if row is not None and row.entity.get(field) == value:
                others = {one: value for one, value in row.entity.items() if one.partition("@")[0] != field}
                restored = {one: value for one, value in whole.items() if one.partition("@")[0] == field}
                self._put(name, key, {**others, **restored}, f"restores {key[1]}")

    def _put(self, name: str, key: Key, entity: Entity, what: str) -> None:
        rows = self.platform.account.tables[name].rows
        rows[key] = replace(rows[key], entity=entity, etag=f'W/"{self.platform.account.new_id()}"')
        self.platform.trace.step("somebody", what)
        self.harmed(name)

    def _table(self) -> dict[Key, Row]:
        rows: dict[Key, Row] = self.platform.account.tables[self.platform.settings.recordings_table].rows
        return rows

    def _rows(self, prefix: str) -> list[Key]:
        return [key for key in self._table() if key[1].startswith(prefix)]

    def _one(self, keys: list[Key], choice: float) -> Key | None:
        return keys[int(choice * len(keys))] if keys else None
