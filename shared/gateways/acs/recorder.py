"""Starts, stops, pauses and resumes recordings through Call Automation, and asks for their state.

Each refusal of ACS becomes one of our errors, by its code or its HTTP status (shared.gateways.acs.error_codes). An
unreadable answer, whatever the SDK raises for it, becomes SourceGarbled, which is retried.
"""

import contextlib
from collections.abc import Awaitable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from azure.communication.callautomation import ChannelAffinity, CommunicationIdentifier
from azure.communication.callautomation._shared.models import identifier_from_raw_id
from azure.communication.callautomation.aio import CallAutomationClient
from azure.core.exceptions import ClientAuthenticationError, DecodeError, HttpResponseError

from shared.contracts.http.start_request import StartRecording
from shared.domain.repeatability import Repeatability
from shared.domain.states import AcsState
from shared.errors import (
    CallerError,
    CallvaultError,
    SourceGarbled,
    SourceThrottled,
    SourceUnauthorized,
    SourceUnavailable,
)
from shared.gateways.acs.error_codes import BACK_OFF, Refusal, error_of
from shared.gateways.faults import BROKEN_CONNECTION, retry_after

_NO_RECORDING = "Y2FsbHZhdWx0"  # a recordingId that ACS never assigns: "callvault" in base64
_LONGEST_CODE = 64
_STATES = frozenset({AcsState.ACTIVE, AcsState.INACTIVE})
# SDK 1.6.0 raises these for an answer of 200 that is HTML, empty, null, an array or of another shape.
_SDK_CRASHES = (ValueError, TypeError, AttributeError, LookupError, RecursionError)


@dataclass(frozen=True, kw_only=True)
class Started:
    """ACS's answer to a start. `running` is False after a 202: the state callback will report the outcome."""

    recording_id: str | None
    running: bool


class CallRecorder:
    """Sends recording commands to ACS."""

    def __init__(self, client: CallAutomationClient) -> None:
        self._client = client

    async def start(self, request: StartRecording, repeatability: Repeatability) -> Started:
        kind = request.kind()
        optional: dict[str, Any] = {
            "server_call_id": request.server_call_id,
            "call_connection_id": request.call_connection_id,
            "group_call_id": str(request.group_call_id) if request.group_call_id else None,
            "room_id": request.room_id,
            "recording_state_callback_url": request.state_callback_url,
            "channel_affinity": [
                ChannelAffinity(target_participant=_identifier(item.participant_id), channel=item.channel)
                for item in request.channel_affinity
            ],
            "audio_channel_participant_ordering": list(map(_identifier, request.participant_ordering)),
        }
        statuses: list[int] = []
        started = await call_acs(
            self._client.start_recording(
                recording_content_type=kind.content.value,
                recording_channel_type=kind.channel.value,
                recording_format_type=kind.format.value,
                pause_on_start=request.pause_on_start,
                headers=repeatability.headers(),
                raw_response_hook=lambda answer: statuses.append(answer.http_response.status_code),
                **{name: value for name, value in optional.items() if value},
            )
        )
        running = HTTPStatus.ACCEPTED not in statuses
        recording_id = getattr(started, "recording_id", None) or None
        if not isinstance(recording_id, str | None) or (running and recording_id is None):
            raise SourceGarbled("ACS started a recording without a readable recordingId", retry_after=BACK_OFF)
        return Started(recording_id=recording_id, running=running)

    async def stop(self, recording_id: str) -> None:
        await call_acs(self._client.stop_recording(recording_id))

    async def pause(self, recording_id: str) -> None:
        await call_acs(self._client.pause_recording(recording_id))

    async def resume(self, recording_id: str) -> None:
        await call_acs(self._client.resume_recording(recording_id))

    async def state(self, recording_id: str) -> AcsState:
        """Active or inactive. ACS calls a paused recording inactive. Raises NotFound if the recording has ended."""
        properties = await call_acs(self._client.get_recording_properties(recording_id))
        state = str(getattr(properties, "recording_state", "")).lower()
        if state not in _STATES:
            raise SourceGarbled("ACS answered without a readable recording state", retry_after=BACK_OFF)
        return AcsState(state)

    async def check(self) -> None:
        """Tests the credential by requesting a recording that doesn't exist. This is free and changes nothing.

        Raises a SourceError if ACS can't be reached or refuses the credential.
        """
        with contextlib.suppress(CallerError, SourceThrottled):
            await self.state(_NO_RECORDING)


# SDK 1.6.0 exports all kinds of identifiers, but not the function that creates them from a raw id.
def _identifier(raw_id: str) -> CommunicationIdentifier:
    return identifier_from_raw_id(raw_id)


async def call_acs[T](call: Awaitable[T]) -> T:
    """Awaits a call of ACS's SDK. Raises only errors of shared.errors."""
    try:
        return await call
    except BROKEN_CONNECTION:
        raise SourceUnavailable("ACS can't be reached", retry_after=BACK_OFF) from None
    except DecodeError:
        raise SourceGarbled("ACS sent an answer that isn't JSON", retry_after=BACK_OFF) from None
    except HttpResponseError as error:
        raise _translate(error) from None
    except _SDK_CRASHES as error:
        kind = type(error).__name__
        raise SourceGarbled(f"ACS sent an answer of an unknown shape ({kind})", retry_after=BACK_OFF) from None


def _translate(error: HttpResponseError) -> CallvaultError:
    code, message = _code_and_message(error)
    if error.status_code:
        return error_of(Refusal(status=error.status_code, code=code, message=message, retry_after=retry_after(error)))
    if isinstance(error, ClientAuthenticationError):
        return SourceUnauthorized("no credential for ACS is available: check the identity")
    return SourceUnavailable("ACS didn't answer", retry_after=BACK_OFF)


def _code_and_message(error: HttpResponseError) -> tuple[str | None, str]:
    """ACS's error code and message. No code if the body isn't ACS's JSON, for example a front door's HTML page."""
    try:
        response: Any = error.response
        details = response.json()["error"]
        code = details["code"]
        return (None if code is None else str(code)[:_LONGEST_CODE]), str(details.get("message") or "")
    except (*_SDK_CRASHES, DecodeError):
        return None, ""
