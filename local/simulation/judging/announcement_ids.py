"""The same announcement always has one id and one content, however often and by whichever worker it is sent."""

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

_COMPLETE = "Callvault.RecordingComplete"


class AnnouncementIds:
    """Judges the ids of announcements.

    The time of a complete recording is that of its last file. It has the same time and another id after another of its
    files was copied again by a worker whose clock is slow, or was removed and is there again. `removed`: the keys of
    recordings whose archived files somebody removes.
    """

    def __init__(self, announced: Sequence[dict[str, Any]], *, clocks_agree: bool, removed: Collection[str]) -> None:
        self._announced, self._clocks_agree, self._removed = announced, clocks_agree, removed

    def violations(self) -> Iterator[str]:
        contents: dict[str, str] = {}
        ids: dict[tuple[str, ...], str] = {}
        for event in self._announced:
            text = json.dumps(event.get("data"), sort_keys=True)
            if contents.setdefault(event["id"], text) != text:
                yield f"the announcement {event['id']} has two contents"
            if event["type"] == _COMPLETE and (not self._clocks_agree or _key(event) in self._removed):
                continue
            about = tuple(str(event.get(name)) for name in ("type", "subject", "time"))
            if ids.setdefault(about, event["id"]) != event["id"]:
                yield f"one end was announced under two ids: {' '.join(about)}"


def _key(event: dict[str, Any]) -> str:
    """The key of an announcement's recording."""
    return str(event.get("subject")).rpartition("/")[2]
