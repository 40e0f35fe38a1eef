"""Call Automation's callbacks: what becomes of calls and recordings, as signed CloudEvents to the URL that was given.

A callback is tried a few times in quick succession and then forgotten: how the real one does it isn't documented, so
nothing may rest on it. Callback URLs are https and name hosts of the outside world; which local address such a host is
has to be told.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from local.acs.calls import Call
from local.acs.identifiers import new_guid
from local.acs.moments import acs_time, now
from local.acs.recordings import Recording
from local.acs.tokens import TokenIssuer

RETRY_SECONDS = (0.2, 1.0, 3.0)
ANSWER_SECONDS = 30.0
SPECIFICATION = "1.0"

Event = dict[str, Any]


@dataclass(kw_only=True)
class Callback:
    """One event on its way to one URL, and the status of each try; None where nobody answered."""

    url: str
    event: Event
    statuses: list[int | None] = field(default_factory=list)
    pending: bool = True

    def described(self) -> dict[str, Any]:
        return {"url": self.url, "event": self.event, "statuses": self.statuses, "pending": self.pending}


class Callbacks:
    def __init__(self) -> None:
        self.issuer = TokenIssuer()
        self._hosts: dict[str, str] = {}
        self._sent: list[Callback] = []
        self._running: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS))

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def lead(self, host: str, address: str) -> None:
        """From now on callbacks for a host go to an address, a base URL of plain HTTP."""
        self._hosts[host.lower()] = address.rstrip("/")

    def sent(self) -> list[Callback]:
        return self._sent

    def call_connected(self, call: Call) -> None:
        self._call_event(call, "CallConnected")

    def call_disconnected(self, call: Call) -> None:
        self._call_event(call, "CallDisconnected")

    def recording_changed(self, recording: Recording) -> None:
        """Tells the state of a recording, to whoever asked for it at its start."""
        self._recording_event(
            recording,
            "RecordingStateChanged",
            state=recording.state,
            startDateTime=acs_time(recording.began_at),
            recordingKind="azureCommunicationServices",
        )

    def start_failed(self, recording: Recording) -> None:
        """Tells that a recording, which never was, could not be started."""
        reason = {"code": 500, "subCode": 9999, "message": "The recording could not be started."}
        self._recording_event(recording, "StartRecordingFailed", resultInformation=reason)

    def _call_event(self, call: Call, kind: str) -> None:
        if call.callback_uri is not None:
            source = f"calling/callConnections/{call.call_connection_id}"
            self._send(call.callback_uri, kind, source, _of_call(call))

    def _recording_event(self, recording: Recording, kind: str, **data: Any) -> None:
        url = recording.request.recording_state_callback_uri
        if url is not None:
            call = recording.call
            source = f"calling/recordings/{call.server_call_id}/recordingId/{recording.recording_id}/{kind}"
            self._send(url, kind, source, {**_of_call(call), "recordingId": recording.recording_id, **data})

    def _send(self, url: str, kind: str, source: str, data: dict[str, Any]) -> None:
        event = {
            "id": new_guid(),
            "source": source,
            "type": f"Microsoft.Communication.{kind}",
            "specversion": SPECIFICATION,
            "datacontenttype": "application/json",
            "time": acs_time(now()),
            "data": {"version": "2024-09-15", **data},
        }
        callback = Callback(url=url, event=event)
        self._sent.append(callback)
        task = asyncio.create_task(self._until_taken(callback))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _until_taken(self, callback: Callback) -> None:
        try:
            for wait in (0.0, *RETRY_SECONDS):
                await asyncio.sleep(wait)
                status = await self._post(callback)
                callback.statuses.append(status)
                if status is not None and status < 500:  # noqa: PLR2004 - the 5xx class
                    return
        finally:
            callback.pending = False

    async def _post(self, callback: Callback) -> int | None:
        parts = urlsplit(callback.url)
        address = self._hosts.get((parts.hostname or "").lower())
        if address is None or self._session is None:
            return None
        url = address + urlunsplit(("", "", parts.path, parts.query, ""))
        headers = {"Authorization": f"Bearer {self.issuer.token()}"}
        try:
            async with self._session.post(url, json=[callback.event], headers=headers) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return None


def _of_call(call: Call) -> dict[str, Any]:
    return {
        "callConnectionId": call.call_connection_id,
        "serverCallId": call.server_call_id,
        "correlationId": call.correlation_id,
    }
