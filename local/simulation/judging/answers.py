"""The app's own answers at the end of a run, compared with raw storage: health, summary, lists, views, archive records.

The app runs in a new process that no fault reaches, after the other judges: reading an archive record is audited.
"""

import json
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from local.memory.storage.conversions import Entity
from local.simulation.judging.stored import IN_TROUBLE, SAFE, Stored, is_whole
from shared.app import App
from shared.errors import CallvaultError
from shared.http.answers import Answer

_BY = "judge"
_SHOWN = ("state", "index", "size", "sha256", "blobName", "metadataBlobName", "metadataSha256", "reason")
_NUMBERS = frozenset({"index", "size"})


def wrong_in_list(call: str, listed: Collection[str], rows: Mapping[str, Entity]) -> set[str]:
    """The recordings that are missing in a call's list, or that belong to another call.

    If a process died after it added the entry, the recording's row may not name its call.
    """
    calls = {key: row.get("serverCallId") for key, row in rows.items()}
    missing = {key for key, known in calls.items() if known == call} - set(listed)
    return missing | {key for key in listed if calls.get(key, "no row") not in (None, call)}


@dataclass
class Answers:
    """Asks one app about everything."""

    app: App
    stored: Stored

    async def violations(self) -> list[str]:
        self._recordings, self._chunks = self.stored.recordings(), self.stored.chunks()
        self._audit = {key: len(entries) for key, entries in self.stored.audit().items()}
        try:
            found = [one async for one in self._health()]
            found += [one async for one in self._summary()]
            found += [one async for one in self._lists()]
            for key, row in self._recordings.items():
                if row.get("recordingId"):
                    found += [one async for one in self._view(key, row)]
            for key, row in self._recordings.items():
                found += [one async for one in self._archive(key, row)]
        except CallvaultError as error:
            return [f"at the end the app answers {error.reason}: {error}"]
        return found

    # What storage shows

    def _whole(self, key: str) -> bool:
        return is_whole(self._recordings[key], self._chunks.get(key, []))

    def _states(self, key: str) -> set[str]:
        return {str(chunk["state"]) for chunk in self._chunks.get(key, ())}

    def _in_trouble(self) -> set[str]:
        return {
            key
            for key, row in self._recordings.items()
            if self._states(key) & IN_TROUBLE or ("overdueAt" in row and not self._is_known_whole(key))
        }

    def _is_known_whole(self, key: str) -> bool:
        """A recording without an id has no files but those of its event."""
        return self._whole(key) or bool(self._chunks.get(key) and not self._recordings[key].get("recordingId"))

    def _state_of(self, key: str) -> str | None:
        """The state of a recording without chunks that are still to come; None if ACS decides."""
        row, states = self._recordings[key], self._states(key)
        if not states:
            return "overdue" if "overdueAt" in row else row.get("control")
        if states & IN_TROUBLE:
            return "incomplete"
        if not self._is_known_whole(key):
            return "overdue" if "overdueAt" in row else "archiving"
        return "archived" if states <= SAFE else "archiving"

    # What the app answers

    async def _health(self) -> AsyncIterator[str]:
        answer = await self.app.commands.health()
        if answer.status != 200:  # noqa: PLR2004 - HTTP's number
            bad = [check["name"] for check in json.loads(answer.body)["checks"] if not check["ok"]]
            yield f"nothing is left to do, but health answers {answer.status} because of {', '.join(bad)}"

    async def _summary(self) -> AsyncIterator[str]:
        summary = _body(await self.app.queries.summary())
        if summary["open"]["items"] or summary["unreadable"]:
            yield f"nothing is left to do, but the summary counts {summary['open']['items']} open items"
        shown = {one["recordingKey"] for one in summary["trouble"]["recordings"]}
        trouble = self._in_trouble()
        if shown - trouble or (trouble - shown and not summary["trouble"]["more"]):
            yield f"the summary shows the wrong recordings in trouble: {sorted(shown ^ trouble)}"

    async def _lists(self) -> AsyncIterator[str]:
        listed = await self._listed()
        for key in {*listed, *self._recordings}:
            wanted = int(key in self._recordings and "listedAt" in self._recordings[key])
            if listed.count(key) != wanted:
                yield f"the recording {key} is {listed.count(key)} times in the list of all recordings"
        trouble = await self._listed(trouble="true")
        if sorted(trouble) != sorted(self._in_trouble()):
            yield f"the list of trouble is wrong: {sorted(self._in_trouble() ^ set(trouble))}"
        for key in await self._listed(open="true"):
            if self._is_known_whole(key) and self._states(key) <= SAFE:
                yield f"the recording {key} is archived, but in the list of open recordings"
        calls = {str(row["serverCallId"]) for row in self._recordings.values() if "serverCallId" in row}
        for call in sorted(calls):
            wrong = wrong_in_list(call, await self._listed(serverCallId=call), self._recordings)
            if wrong:
                yield f"the list of the call {call} is wrong: {sorted(wrong)}"
        async for one in self._participants():
            yield one

    async def _participants(self) -> AsyncIterator[str]:
        wanted: dict[str, set[str]] = {}
        for key, chunks in self._chunks.items():
            for chunk in chunks:
                for one in self.stored.metadata_of(chunk).get("participants", ()):
                    wanted.setdefault(one["participantId"], set()).update({key} if chunk["state"] in SAFE else ())
        for person, keys in sorted(wanted.items()):
            found = set(await self._listed(person))
            if keys - found:
                yield f"the search for {person} doesn't find {sorted(keys - found)}"

    async def _listed(self, participant: str | None = None, **filters: str) -> list[str]:
        keys: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = _body(await self.app.queries.recordings({"limit": "100", **filters, **cursor}, participant, by=_BY))
            keys += [one["recordingKey"] for one in page["recordings"]]
            if page["nextCursor"] is None:
                return keys
            cursor = {"cursor": page["nextCursor"]}

    async def _view(self, key: str, row: Entity) -> AsyncIterator[str]:
        view = _body(await self.app.commands.get(str(row["recordingId"])))
        state = self._state_of(key)
        if state not in (None, view["state"]) and state not in ("active", "paused", "starting"):
            yield f"{row['recordingId']} is {state} in storage and {view['state']} in its view"
        shown = {one["documentId"]: one for one in view["chunks"]}
        if shown.keys() != {str(chunk["documentId"]) for chunk in self._chunks.get(key, ())}:
            yield f"the view of {row['recordingId']} has other chunks than storage"
        for chunk in self._chunks.get(key, ()):
            one = shown.get(str(chunk["documentId"]), {})
            for name in _SHOWN:
                if one.get(name) != _value(chunk, name):
                    yield f"the view of {chunk['documentId']} has {name} {one.get(name)}, not {chunk.get(name)}"
        if len(view["history"]) != self._audit.get(key, 0):
            yield f"the view of {row['recordingId']} has {len(view['history'])} of {self._audit.get(key, 0)} entries"

    async def _archive(self, key: str, row: Entity) -> AsyncIterator[str]:
        ready = self._whole(key) and self._states(key) <= SAFE
        try:
            answer = await self.app.commands.archive(key, url="https://callvault.example/api/recordings", by=_BY)
        except CallvaultError as error:
            if ready:
                yield f"{key} is archived, but its archive record answers {error.reason}"
            return
        if answer.status == 202:  # noqa: PLR2004 - HTTP's number
            if ready or self._states(key) & {"failed", "lost"}:
                yield f"{key} has ended, but its archive record is still awaited"
            return
        if not ready and not self._is_known_whole(key):
            yield f"{key} lacks files, but has an archive record"
        recorded = {one["documentId"]: one for one in _body(answer)["chunks"]}
        for chunk in self._chunks.get(key, ()):
            one = recorded.get(str(chunk["documentId"]), {})
            if (one.get("blobName"), one.get("sha256")) != (chunk.get("blobName"), chunk.get("sha256")):
                yield f"the archive record of {key} doesn't match the files of {chunk['documentId']}"
        if row.get("correlation") != _body(answer)["correlation"]:
            yield f"the archive record of {key} has another correlation"


def _body(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.body)
    return found


def _value(chunk: Entity, name: str) -> Any:
    value = chunk.get(name)
    return int(str(value)) if name in _NUMBERS and value is not None else value
