"""The quarantine has exactly the events and callbacks that nobody can parse."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from local.simulation.callers.history import History
from local.simulation.judging.stored import Stored
from local.simulation.schedules.schedule import Schedule

_CALLBACKS, _JOBS = "callbacks/", "jobs/"


class QuarantineContents:
    """Judges the quarantine."""

    def __init__(self, stored: Stored, schedule: Schedule, history: History) -> None:
        self._stored, self._schedule, self._history = stored, schedule, history

    def violations(self) -> Iterator[str]:
        kept = {
            name: json.loads(data)
            for name, data in self._stored.blobs(self._stored.settings.quarantine_container).items()
        }
        events = {_text(one["event"]) for name, one in kept.items() if "/" not in name}
        wanted = {_text(one.event) for one in self._schedule.mishandling.unreadable}
        for recording in self._schedule.recordings:
            if recording.quarantined:
                wanted |= {_text(event) for request in recording.requests for event in request.events}
        yield from (f"an unreadable event isn't in quarantine: {one[:200]}" for one in sorted(wanted - events))
        yield from (f"a readable event is in quarantine: {one[:200]}" for one in sorted(events - wanted))
        yield from self._callbacks(kept)
        jobs = {base64.b64decode(one["bodyBase64"]).decode() for name, one in kept.items() if name.startswith(_JOBS)}
        yield from (f"a poison message isn't in quarantine: {one}" for one in self._history.poisoned if one not in jobs)
        for name, one in kept.items():
            if not one.get("reason") or not one.get("receivedAt"):
                yield f"{name} in quarantine doesn't say why or since when"

    def _callbacks(self, kept: dict[str, Any]) -> Iterator[str]:
        held = [one for name, one in kept.items() if name.startswith(_CALLBACKS)]
        texts = {_text(one["event"]) for one in held if "event" in one}
        bodies = {base64.b64decode(one["bodyBase64"]).decode() for one in held if "bodyBase64" in one}
        for callback in self._history.callbacks:
            if callback.unreadable is not None and not {*_parts(callback.unreadable)} <= texts | bodies:
                yield f"an unreadable callback isn't in quarantine: {callback.unreadable}"


def _parts(body: str) -> list[str]:
    """The events of a callback's body, or the body itself."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return [body]
    return [_text(one) for one in (parsed if isinstance(parsed, list) else [parsed])]


def _text(event: Any) -> str:
    return json.dumps(event, sort_keys=True)
