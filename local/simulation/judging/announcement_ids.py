"""The same announcement always has one id and one content, however often and by whichever worker it is sent."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

_COMPLETE = "Callvault.RecordingComplete"


class AnnouncementIds:
    """Judges the ids of announcements.

    The time of a complete recording is that of its last file. After another of its files was copied again by a worker
    whose clock is slow, it has the same time and another id.
    """

    def __init__(self, announced: Sequence[dict[str, Any]], *, clocks_agree: bool) -> None:
        self._announced, self._clocks_agree = announced, clocks_agree

    def violations(self) -> Iterator[str]:
        contents: dict[str, str] = {}
        ids: dict[tuple[str, ...], str] = {}
        for event in self._announced:
            text = json.dumps(event.get("data"), sort_keys=True)
            if contents.setdefault(event["id"], text) != text:
                yield f"the announcement {event['id']} has two contents"
            if event["type"] == _COMPLETE and not self._clocks_agree:
                continue
            about = tuple(str(event.get(name)) for name in ("type", "subject", "time"))
            if ids.setdefault(about, event["id"]) != event["id"]:
                yield f"one end was announced under two ids: {' '.join(about)}"
