"""ACS's media store as it can behave: files that expire, vanish, change, break off, or lose their support of ranges.

A document has troubles, each with a beginning and an end in virtual time. Outside them, and until the document expires,
its files are served as ACS does. An announced document that a trouble makes unavailable still exists: only `expires`
ends it, a delete, or the trouble GONE.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import SimpleNamespace
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from local.acs.media.wav import HEADER_SIZE, wav_header
from local.memory.acs import Document, MemoryAcs, _Answer
from local.memory.events import DELETE_HOST, HOST
from local.memory.storage.refusals import Response
from local.simulation.world.recorder import Recorder, Start

PERSON = "8:acs:person-"  # begins every participant's id in the simulation


class Trouble(StrEnum):
    """What is wrong with a document's files for a time."""

    GONE = "gone"  # 404
    THROTTLED = "throttled"  # 429 with Retry-After
    ERROR = "error"  # 503
    DENIED = "denied"  # 401
    PAGE = "page"  # 200 with HTML
    SHORT = "short"  # breaks off after some bytes
    WHOLE = "whole"  # ignores Range
    CHANGED = "changed"  # another version of the media
    NO_METADATA = "no metadata"  # 404 for the metadata alone
    UNDELETABLE = "undeletable"  # 503 for the delete


_STATUS = {Trouble.GONE: 404, Trouble.THROTTLED: 429, Trouble.ERROR: 503, Trouble.DENIED: 401}
_PAGE = b"<!DOCTYPE html><html><body>Service unavailable</body></html>"


@dataclass(frozen=True, kw_only=True)
class Window:
    """A trouble and when it lasts."""

    trouble: Trouble
    begins: datetime
    ends: datetime

    def holds(self, at: datetime) -> bool:
        return self.begins <= at < self.ends


@dataclass(kw_only=True)
class Source(Document):
    """A document with its other version, its troubles, and when it was deleted."""

    document_id: str
    other_media: bytes
    expires: datetime
    windows: tuple[Window, ...] = ()
    deleted_at: datetime | None = None

    def troubles(self, at: datetime) -> set[Trouble]:
        return {one.trouble for one in self.windows if one.holds(at)}

    def exists(self, at: datetime) -> bool:
        return not self.is_deleted and at < self.expires

    def may_be_archived(self, data: bytes) -> bool:
        """Whether these are the bytes of the media, in one of its versions."""
        changes = any(one.trouble is Trouble.CHANGED for one in self.windows)
        return data == self.media or (changes and data == self.other_media)


def source(document_id: str, index: int, *, size: int, expires: datetime) -> Source:
    """A wav file of about `size` bytes, which differ from those of any other document and version."""

    def media(version: int) -> bytes:
        sound = f"{document_id} {version} ".encode()
        data = (sound * (size // len(sound) + 1))[: (size - HEADER_SIZE) // 2 * 2]
        return wav_header(len(data), 1) + data

    return Source(
        document_id=document_id,
        content_location=f"{HOST}/{document_id}/content/audio",
        metadata_location=f"{HOST}/{document_id}/content/acsmetadata",
        delete_location=f"{DELETE_HOST}/{document_id}",
        media=media(1),
        other_media=media(2),
        metadata=(
            f'{{"chunkDocumentId":"{document_id}","chunkIndex":{index},"resourceId":"r","callId":"c",'
            f'"participants":[{{"participantId":"{PERSON}{document_id}"}}]}}'
        ).encode(),
        expires=expires,
    )


@dataclass
class SimulatedAcs(MemoryAcs):
    """The media store with its troubles, and calls. One state; each process has a copy with its own account."""

    deletions: list[Source] = field(default_factory=list)  # in order; the invariants read them
    recorder: Recorder = field(default_factory=Recorder)

    def for_account(self, account: Any) -> "SimulatedAcs":
        return replace(self, account=account)

    async def download_recording(self, location: str, *, headers: dict[str, str]) -> _Answer:
        return await self._ask("download_recording", location, lambda: self._served(location, headers))

    async def delete_recording(self, location: str) -> None:
        def apply() -> None:
            now = self.account.now()
            found = next((one for one in self.sources if one.delete_location == location), None)
            if found is None or not found.exists(now):
                raise _refusal(404)
            if Trouble.UNDELETABLE in found.troubles(now):
                raise _refusal(503)
            found.is_deleted, found.deleted_at = True, now
            self.deletions.append(found)

        await self._ask("delete_recording", location, apply, writes=True)

    async def start_recording(self, *, headers: dict[str, str], **options: Any) -> Any:
        hook = options.pop("raw_response_hook")
        wanted = Start(
            token=headers["Repeatability-Request-ID"],
            body=repr(sorted(options.items())),
            call_name=options.get("server_call_id") or options.get("call_connection_id"),
            kind=(options["recording_content_type"], options["recording_channel_type"]),
            callback_url=options.get("recording_state_callback_url"),
            paused=options["pause_on_start"],
        )

        def apply() -> tuple[int, str | None]:
            return self.recorder.start(wanted, self.account.now())

        status, recording_id = await self._ask("start_recording", str(wanted.call_name), apply, writes=True)
        hook(SimpleNamespace(http_response=Response(status)))
        return SimpleNamespace(recording_id=recording_id)

    async def stop_recording(self, recording_id: str) -> None:
        def apply() -> None:
            self.recorder.stop(recording_id, self.account.now())

        await self._ask("stop_recording", recording_id, apply, writes=True)

    async def pause_recording(self, recording_id: str) -> None:
        await self._ask("pause_recording", recording_id, lambda: self.recorder.pause(recording_id), writes=True)

    async def resume_recording(self, recording_id: str) -> None:
        await self._ask("resume_recording", recording_id, lambda: self.recorder.resume(recording_id), writes=True)

    async def get_recording_properties(self, recording_id: str) -> Any:
        state = await self._ask("get_recording", recording_id, lambda: self.recorder.state(recording_id))
        return SimpleNamespace(recording_state=state)

    @property
    def sources(self) -> list[Source]:
        return [one for one in self.documents if isinstance(one, Source)]

    def source(self, document_id: str) -> Source | None:
        return next((one for one in self.sources if one.document_id == document_id), None)

    def _served(self, location: str, headers: dict[str, str]) -> _Answer:
        now = self.account.now()
        found = next((one for one in self.sources if location in (one.content_location, one.metadata_location)), None)
        if found is None or not found.exists(now):
            raise _refusal(404)
        troubles = found.troubles(now)
        is_media = location == found.content_location
        for trouble in sorted(troubles & _STATUS.keys()):
            raise _refusal(_STATUS[trouble])
        if not is_media and Trouble.NO_METADATA in troubles:
            raise _refusal(404)
        data = found.metadata
        if is_media:
            data = found.other_media if Trouble.CHANGED in troubles else found.media
        if Trouble.PAGE in troubles:
            return _Answer(200, {"Content-Length": str(len(_PAGE))}, _PAGE)
        answer = _whole(data) if Trouble.WHOLE in troubles else _ranged(data, headers)
        if Trouble.SHORT in troubles:
            answer._data = answer._data[: len(answer._data) // 2]  # noqa: SLF001 - the answer breaks off
        return answer


def _etag(data: bytes) -> dict[str, str]:
    return {"ETag": f'"{len(data)}-{data[HEADER_SIZE : HEADER_SIZE + 48].hex()}"'}


def _whole(data: bytes) -> _Answer:
    return _Answer(200, {"Content-Length": str(len(data)), **_etag(data)}, data)


def _ranged(data: bytes, headers: dict[str, str]) -> _Answer:
    wanted = headers.get("Range", "").removeprefix("bytes=")
    if not wanted:
        return _whole(data)
    first, _, end = wanted.partition("-")
    start, last = int(first), min(int(end), len(data) - 1)
    if start > last:
        raise _refusal(416)
    shown = {"Content-Range": f"bytes {start}-{last}/{len(data)}", "Content-Length": str(last - start + 1)}
    return _Answer(206, {**shown, **_etag(data)}, data[start : last + 1])


def _refusal(status: int) -> HttpResponseError:
    kind = ResourceNotFoundError if status == 404 else HttpResponseError  # noqa: PLR2004 - HTTP's number
    headers = {"Retry-After": "20"} if status == 429 else {}  # noqa: PLR2004 - HTTP's number
    return kind(message=str(status), response=Response(status, headers))  # type: ignore[arg-type]
