"""Starts, stops, pauses and resumes recordings through Call Automation, and asks for their state.

Every refusal of ACS becomes an error of ours. ACS publishes no list of its codes, so the few that real traffic shows
are told apart and any other goes by its HTTP status.
"""

import contextlib
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

from azure.communication.callautomation import ChannelAffinity, CommunicationIdentifier
from azure.communication.callautomation._shared.models import identifier_from_raw_id
from azure.communication.callautomation.aio import CallAutomationClient
from azure.core.exceptions import ClientAuthenticationError, DecodeError, HttpResponseError

from shared.contracts.start import StartRecording
from shared.errors import (
    CallvaultError,
    Conflict,
    InvalidRequest,
    NotFound,
    SourceGarbled,
    SourceRefused,
    SourceThrottled,
    SourceUnauthorized,
    SourceUnavailable,
)
from shared.gateways.faults import BROKEN_CONNECTION, retry_after

_ALREADY_RECORDING = "8553"
_NOT_FOUND = "8522"
_NOBODY = "Y2FsbHZhdWx0"  # the name of a recording that ACS never gives: "callvault" in base64
_BACK_OFF = 10.0  # seconds proposed to a caller when ACS is down and says nothing itself


@dataclass(frozen=True, kw_only=True)
class Repeatability:
    """Makes a repeated start safe: ACS gives the same answer to the same id (OASIS Repeatable Requests)."""

    request_id: str
    first_sent: datetime

    def headers(self) -> dict[str, str]:
        return {
            "Repeatability-Request-ID": self.request_id,
            "Repeatability-First-Sent": format_datetime(self.first_sent, usegmt=True),
        }


@dataclass(frozen=True, kw_only=True)
class Started:
    """ACS's answer to a start. `running` is False after a 202: the state callback will tell what became of it."""

    recording_id: str | None
    running: bool


class CallRecorder:
    """ACS's side of a recording."""

    def __init__(self, client: CallAutomationClient) -> None:
        self._client = client

    async def start(self, request: StartRecording, repeatability: Repeatability) -> Started:
        content, channel, media_format = request.kind()
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
        started = await asking(
            self._client.start_recording(
                recording_content_type=content.value,
                recording_channel_type=channel.value,
                recording_format_type=media_format.value,
                pause_on_start=request.pause_on_start,
                headers=repeatability.headers(),
                raw_response_hook=lambda answer: statuses.append(answer.http_response.status_code),
                **{name: value for name, value in optional.items() if value},
            )
        )
        return Started(recording_id=started.recording_id or None, running=HTTPStatus.ACCEPTED not in statuses)

    async def stop(self, recording_id: str) -> None:
        await asking(self._client.stop_recording(recording_id))

    async def pause(self, recording_id: str) -> None:
        await asking(self._client.pause_recording(recording_id))

    async def resume(self, recording_id: str) -> None:
        await asking(self._client.resume_recording(recording_id))

    async def state(self, recording_id: str) -> str:
        """`active` or `inactive`; a paused recording is inactive to ACS, and one that has ended is NotFound."""
        properties = await asking(self._client.get_recording_properties(recording_id))
        return str(properties.recording_state)

    async def check(self) -> None:
        """Asks ACS after a recording that never was: it costs nothing, changes nothing, and proves the credential.

        Raises a SourceError when ACS can't be reached, or doesn't let us in.
        """
        with contextlib.suppress(NotFound, InvalidRequest, SourceThrottled):
            await self.state(_NOBODY)


# SDK 1.6.0 exports every kind of identifier, but not the one function that tells them apart.
def _identifier(raw_id: str) -> CommunicationIdentifier:
    return identifier_from_raw_id(raw_id)


async def asking[T](call: Awaitable[T]) -> T:
    """What ACS answered a call of its SDK. Raises errors of shared.errors, nothing of the SDK's."""
    try:
        return await call
    except BROKEN_CONNECTION:
        raise SourceUnavailable("ACS cannot be reached", retry_after=_BACK_OFF) from None
    except DecodeError:
        raise SourceGarbled("ACS answered with something that is no JSON", retry_after=_BACK_OFF) from None
    except HttpResponseError as error:
        raise _translate(error) from None


def _translate(error: HttpResponseError) -> CallvaultError:
    status = error.status_code or 0
    code, message = _code_and_message(error)
    asked = retry_after(error)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return SourceThrottled("ACS throttles requests of this resource", retry_after=asked or _BACK_OFF)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return SourceUnavailable("ACS is not available", retry_after=asked or _BACK_OFF)
    if isinstance(error, ClientAuthenticationError) or status in (401, 403):
        return SourceUnauthorized("ACS refused our credential: check ACS_CONNECTION_STRING, or the identity's role")
    if status == HTTPStatus.NOT_FOUND:
        return NotFound("ACS knows no such call or recording: it may have ended, or the id is of another resource")
    if status == 0:
        return SourceUnavailable("ACS gave no answer", retry_after=_BACK_OFF)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or code is None:
        return SourceGarbled(f"ACS answered {status} without a readable reason", retry_after=asked or _BACK_OFF)
    if code == _ALREADY_RECORDING:
        return Conflict("the call is being recorded already: ACS allows one recording of a kind per call")
    if code == _NOT_FOUND:
        return NotFound("ACS knows no such call or recording: it may have ended, or the id is of another resource")
    if status == HTTPStatus.BAD_REQUEST:
        return InvalidRequest(f"ACS refused the request ({code}): {message}")
    return SourceRefused(f"ACS refused the request with {status} ({code})")


def _code_and_message(error: HttpResponseError) -> tuple[str | None, str]:
    """ACS's own code and words; no code when the body isn't ACS's JSON, as its front doors' HTML pages aren't."""
    try:
        response: Any = error.response
        body = response.json()["error"]
        return str(body["code"]), str(body.get("message", ""))[:300]
    except (AttributeError, KeyError, TypeError, ValueError, DecodeError):
        return None, ""
