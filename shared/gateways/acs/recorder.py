"""Starts, stops, pauses and resumes recordings through Call Automation, and asks for their state.

Every refusal of ACS becomes an error of ours, by its code or its HTTP status (shared.gateways.acs.error_codes). An
answer that makes no sense, whatever the SDK raises for it, is SourceGarbled, to be tried again.
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

_NOBODY = "Y2FsbHZhdWx0"  # the name of a recording that ACS never gives: "callvault" in base64
_LONGEST_CODE = 64
_STATES = frozenset({"active", "inactive"})
# What SDK 1.6.0 raises inside itself for an answer of 200 that is HTML, empty, null, an array or of another shape.
_NONSENSE = (ValueError, TypeError, AttributeError, LookupError, RecursionError)


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
        started = await call_acs(
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
        running = HTTPStatus.ACCEPTED not in statuses
        recording_id = getattr(started, "recording_id", None) or None
        if not isinstance(recording_id, str | None) or (running and recording_id is None):
            raise SourceGarbled("ACS started a recording and did not say which", retry_after=BACK_OFF)
        return Started(recording_id=recording_id, running=running)

    async def stop(self, recording_id: str) -> None:
        await call_acs(self._client.stop_recording(recording_id))

    async def pause(self, recording_id: str) -> None:
        await call_acs(self._client.pause_recording(recording_id))

    async def resume(self, recording_id: str) -> None:
        await call_acs(self._client.resume_recording(recording_id))

    async def state(self, recording_id: str) -> str:
        """`active` or `inactive`; a paused recording is inactive to ACS, and one that has ended is NotFound."""
        properties = await call_acs(self._client.get_recording_properties(recording_id))
        state = str(getattr(properties, "recording_state", "")).lower()
        if state not in _STATES:
            raise SourceGarbled("ACS gave a recording without a readable state", retry_after=BACK_OFF)
        return state

    async def check(self) -> None:
        """Asks ACS after a recording that never was: it costs nothing, changes nothing, and proves the credential.

        Raises a SourceError when ACS can't be reached, or doesn't let us in.
        """
        with contextlib.suppress(CallerError, SourceThrottled):
            await self.state(_NOBODY)


# SDK 1.6.0 exports every kind of identifier, but not the one function that tells them apart.
def _identifier(raw_id: str) -> CommunicationIdentifier:
    return identifier_from_raw_id(raw_id)


async def call_acs[T](call: Awaitable[T]) -> T:
    """What ACS answered a call of its SDK. Raises errors of shared.errors, nothing of the SDK's."""
    try:
        return await call
    except BROKEN_CONNECTION:
        raise SourceUnavailable("ACS cannot be reached", retry_after=BACK_OFF) from None
    except DecodeError:
        raise SourceGarbled("ACS answered with something that is no JSON", retry_after=BACK_OFF) from None
    except HttpResponseError as error:
        raise _translate(error) from None
    except _NONSENSE as error:
        kind = type(error).__name__
        raise SourceGarbled(f"ACS gave an answer of an unknown shape ({kind})", retry_after=BACK_OFF) from None


def _translate(error: HttpResponseError) -> CallvaultError:
    code, message = _code_and_message(error)
    if error.status_code:
        return error_of(Refusal(status=error.status_code, code=code, message=message, retry_after=retry_after(error)))
    if isinstance(error, ClientAuthenticationError):
        return SourceUnauthorized("no credential for ACS could be had: check the identity")
    return SourceUnavailable("ACS gave no answer", retry_after=BACK_OFF)


def _code_and_message(error: HttpResponseError) -> tuple[str | None, str]:
    """ACS's own code and words; no code when the body isn't ACS's JSON, as its front doors' HTML pages aren't."""
    try:
        response: Any = error.response
        told = response.json()["error"]
        code = told["code"]
        return (None if code is None else str(code)[:_LONGEST_CODE]), str(told.get("message") or "")
    except (*_NONSENSE, DecodeError):
        return None, ""
