"""Call Automation's callbacks: signed CloudEvents about calls and recordings, sent to the requested URL.

A callback is sent up to four times within seconds and then dropped. Microsoft doesn't document the real retries, so
nothing may depend on them. Callback URLs are https and have public host names. `route` maps such a host to a local
address.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from local.acs.calls.calls import Call
from local.acs.calls.recordings import Recording
from local.acs.delivery.background_sender import BackgroundSender
from local.acs.delivery.tokens import TokenIssuer
from local.acs.identifiers import new_guid, recorder_of
from local.acs.times import NO_TIME, acs_time, after, now

RETRY_SECONDS = (0.2, 1.0, 3.0)
BEGINS_AFTER = 0.1
"""Seconds between a recording's first callback and the one with the state `active`."""
SPECIFICATION = "1.0"

Event = dict[str, Any]


@dataclass(kw_only=True)
class Callback:
    """One event for one URL, and the status of each attempt. None: no answer."""

    url: str
    event: Event
    statuses: list[int | None] = field(default_factory=list)
    pending: bool = True

    def described(self) -> dict[str, Any]:
        return {"url": self.url, "event": self.event, "statuses": self.statuses, "pending": self.pending}


class Callbacks(BackgroundSender):
    def __init__(self) -> None:
        super().__init__()
        self.issuer = TokenIssuer()
        self._hosts: dict[str, str] = {}
        self._sent: list[Callback] = []

    def route(self, host: str, address: str) -> None:
        """Sends further callbacks for a host to an address, which is a base URL with plain HTTP."""
        self._hosts[host.lower()] = address.rstrip("/")

    def sent(self) -> list[Callback]:
        return self._sent

    def call_connected(self, call: Call) -> None:
        self._call_event(call, "CallConnected")

    def call_disconnected(self, call: Call) -> None:
        self._call_event(call, "CallDisconnected")

    def recording_begun(self, recording: Recording) -> None:
        """Sends the first callback, which has the state `inactive` and no time, and then `active` unless paused."""
        self._state_event(recording, "inactive", NO_TIME)
        if recording.state == "active":
            self._state_event(recording, "active", acs_time(recording.began_at), BEGINS_AFTER)

    def recording_changed(self, recording: Recording) -> None:
        """Sends the recording's state, if its start request has a callback URL."""
        self._state_event(recording, recording.state, acs_time(recording.began_at))

    def _state_event(self, recording: Recording, state: str, started_at: str, delay: float = 0.0) -> None:
        data = {
            "state": state,
            "startDateTime": started_at,
            "recordingKind": "azureCommunicationServices",
            "resultInformation": {"code": 200, "subCode": 0, "message": ""},
        }
        self._recording_event(recording, "RecordingStateChanged", data, delay)

    def start_failed(self, recording: Recording) -> None:
        """Reports that a recording could not be started."""
        reason = {"code": 500, "subCode": 9999, "message": "The recording could not be started."}
        self._recording_event(recording, "StartRecordingFailed", {"resultInformation": reason})

    def _call_event(self, call: Call, kind: str) -> None:
        if call.callback_uri is not None:
            source = f"calling/callConnections/{call.call_connection_id}"
            self._send(call.callback_uri, kind, source, _of_call(call))

    def _recording_event(self, recording: Recording, kind: str, data: dict[str, Any], delay: float = 0.0) -> None:
        url, call = recording.request.recording_state_callback_uri, recording.call
        if url is None:
            return
        source = f"calling/recordings/{call.server_call_id}/{recording.recording_id}/{kind}"
        data = {"eventSource": source, "recordingId": recording.recording_id, **data, **_of_call(call)}
        if recording.request.call_connection_id is None:
            data["callConnectionId"] = recorder_of(recording.recording_id)
        self._send(url, kind, source, data, delay)

    def _send(self, url: str, kind: str, source: str, data: dict[str, Any], delay: float = 0.0) -> None:
        public = f"Microsoft.Communication.{kind}"
        event = {
            "id": new_guid(),
            "source": source,
            "type": public,
            "specversion": SPECIFICATION,
            "datacontenttype": "application/json",
            "subject": source,
            "time": acs_time(after(now(), delay)),
            "data": {"version": "2024-09-01-preview", **data, "publicEventType": public},
        }
        callback = Callback(url=url, event=event)
        self._sent.append(callback)
        self.start(self._deliver(callback, delay))

    async def _deliver(self, callback: Callback, delay: float) -> None:
        try:
            for wait in (delay, *RETRY_SECONDS):
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
