"""ACS in memory: the media store's documents and the state of recordings, as the SDK's CallAutomationClient.

Refusals are asked for by status: `refuse(location, 503)` makes the next request for that location fail. A request that
gets no answer is for the account's `turn`.
"""

import re
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from local.memory.storage.account import Account, Operation, Service
from local.memory.storage.refusals import Response

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")
_PIECE = 64 * 1024  # bytes that come at once
_GONE = (404, 410)


@dataclass
class Document:
    """A chunk's files by their locations. They are deleted together."""

    content_location: str
    metadata_location: str
    delete_location: str
    media: bytes
    metadata: bytes
    is_deleted: bool = False


class _Answer:
    """A response, as far as the product reads it."""

    def __init__(self, status_code: int, headers: dict[str, str], data: bytes) -> None:
        self.status_code, self.headers, self._data = status_code, headers, data
        self.internal_response = SimpleNamespace(content=self)

    async def iter_chunks(self) -> AsyncIterator[tuple[bytes, bool]]:
        for start in range(0, len(self._data), _PIECE):
            yield self._data[start : start + _PIECE], True

    async def close(self) -> None:
        """Holds nothing open."""


@dataclass
class Recording:
    """A recording that ACS runs."""

    call: str
    state: str = "active"


@dataclass
class MemoryAcs:
    """Documents and recordings."""

    account: Account
    documents: list[Document] = field(default_factory=list)
    recordings: dict[str, Recording] = field(default_factory=dict)
    started: dict[str, str] = field(default_factory=dict)  # by Repeatability-Request-ID
    _refusals: defaultdict[str, deque[int]] = field(default_factory=lambda: defaultdict(deque))

    def add(self, document: Document) -> Document:
        self.documents.append(document)
        return document

    def refuse(self, location: str, status: int, *, times: int = 1) -> None:
        """Answers the next requests for a location with a status."""
        self._refusals[location].extend([status] * times)

    async def download_recording(self, location: str, *, headers: dict[str, str]) -> _Answer:
        def apply() -> _Answer:
            data = self._file(location)
            etag = {"ETag": f'"{len(data)}"'}
            wanted = _RANGE.fullmatch(headers.get("Range", ""))
            if wanted is None:
                return _Answer(200, {"Content-Length": str(len(data)), **etag}, data)
            first, last = int(wanted[1]), min(int(wanted[2]), len(data) - 1)
            if first > last:
                raise _refusal(416)
            shown = {"Content-Range": f"bytes {first}-{last}/{len(data)}"}
            return _Answer(206, {**shown, "Content-Length": str(last - first + 1), **etag}, data[first : last + 1])

        return await self._ask("download_recording", location, apply)

    async def delete_recording(self, location: str) -> None:
        def apply() -> None:
            self._check(location)
            document = next((one for one in self.documents if one.delete_location == location), None)
            if document is None or document.is_deleted:
                raise _refusal(404)
            document.is_deleted = True

        await self._ask("delete_recording", location, apply, writes=True)

    async def start_recording(self, *, headers: dict[str, str], **options: Any) -> Any:
        call = str(options.get("server_call_id") or options.get("call_connection_id") or options.get("room_id"))

        def apply() -> Any:
            self._check(call)
            token = headers["Repeatability-Request-ID"]
            if token not in self.started:
                self.started[token] = recording_id = self.account.new_id()
                self.recordings[recording_id] = Recording(call)
            options["raw_response_hook"](SimpleNamespace(http_response=Response(200)))
            return SimpleNamespace(recording_id=self.started[token])

        return await self._ask("start_recording", call, apply, writes=True)

    async def stop_recording(self, recording_id: str) -> None:
        def apply() -> None:
            self._recording(recording_id)
            del self.recordings[recording_id]

        await self._ask("stop_recording", recording_id, apply, writes=True)

    async def pause_recording(self, recording_id: str) -> None:
        await self._set(recording_id, "pause_recording", "inactive")

    async def resume_recording(self, recording_id: str) -> None:
        await self._set(recording_id, "resume_recording", "active")

    async def get_recording_properties(self, recording_id: str) -> Any:
        def apply() -> Any:
            return SimpleNamespace(recording_state=self._recording(recording_id).state)

        return await self._ask("get_recording_properties", recording_id, apply)

    async def _set(self, recording_id: str, method: str, state: str) -> None:
        def apply() -> None:
            self._recording(recording_id).state = state

        await self._ask(method, recording_id, apply, writes=True)

    async def _ask[T](self, method: str, target: str, apply: Callable[[], T], *, writes: bool = False) -> T:
        # The product turns the SDK's retries off for ACS.
        return await self.account.turn(
            Operation(service=Service.ACS, method=method, target=target, writes=writes, is_retried=False), apply
        )

    def _check(self, target: str) -> None:
        if self._refusals[target]:
            raise _refusal(self._refusals[target].popleft())

    def _recording(self, recording_id: str) -> Recording:
        self._check(recording_id)
        if recording_id not in self.recordings:
            raise _refusal(404)
        return self.recordings[recording_id]

    def _file(self, location: str) -> bytes:
        self._check(location)
        for one in self.documents:
            if not one.is_deleted and location in (one.content_location, one.metadata_location):
                return one.media if location == one.content_location else one.metadata
        raise _refusal(404)


def _refusal(status: int) -> HttpResponseError:
    kind = ResourceNotFoundError if status in _GONE else HttpResponseError
    return kind(message=str(status), response=Response(status))  # type: ignore[arg-type]
