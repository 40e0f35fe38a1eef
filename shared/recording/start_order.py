"""Prepares a start: what is sent to ACS, and what is stored about it.

The consent of the request is checked here. If Callvault receives ACS's callbacks, the request gets the signed callback
URL of its start. Both depend on settings, which may change before a start is repeated. A repeated start is therefore
sent as the first try stored it.
"""

from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import urlsplit

from shared.contracts.http.start_request import StartRecording
from shared.domain.clock import Clock
from shared.domain.keys import key_of
from shared.domain.labels import text_of
from shared.domain.records import AuditEntry, Recording
from shared.domain.repeatability import Repeatability
from shared.errors import ConsentRequired, InvalidRequest
from shared.gateways.tables.starts import Start
from shared.recording.callback_urls import CallbackUrls
from shared.settings.settings import Settings


@dataclass(frozen=True, kw_only=True)
class StartOrder:
    """A start: the request of the caller or of the rule, and what is stored and sent of it."""

    start_id: str
    request: StartRecording
    asked: Recording
    entry: AuditEntry
    callback_url: str | None = field(repr=False)

    @property
    def is_followed(self) -> bool:
        """Whether ACS reports the recording's state to Callvault."""
        return self.callback_url is not None

    @property
    def body(self) -> StartRecording:
        """The request as it is sent to ACS."""
        changes: dict[str, object] = {"pause_on_start": self.asked.paused_at is not None}
        if self.callback_url is not None:
            changes["state_callback_url"] = self.callback_url
        return self.request.model_copy(update=changes)

    def as_stored(self, stored: Start) -> Self:
        """The order as its first try was sent."""
        if stored.asked is None or stored.entry is None or not stored.is_whole:
            return self
        return replace(self, asked=stored.asked, entry=stored.entry, callback_url=stored.callback_url)


class StartOrders:
    """Prepares starts."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._urls, self._clock, self._settings = CallbackUrls(settings), clock, settings

    def of(self, request: StartRecording, repeatability: Repeatability, *, by: str, trigger: str | None) -> StartOrder:
        """The start of a request. `trigger` started it automatically. Raises ConsentRequired or InvalidRequest."""
        start_id = key_of(repeatability.request_id)
        consented = self._consented(request, trigger)
        details = request.consent.details() if request.consent else {}
        details |= {"trigger": trigger} if trigger else {}
        _must_be_allowed(request.state_callback_url, self._settings.callback_hosts)
        url = self._urls.of_start(start_id) if request.state_callback_url is None else None
        return StartOrder(
            start_id=start_id,
            request=request,
            asked=_asked(consented, repeatability),
            entry=AuditEntry(at=repeatability.first_sent, action="start", by=by, details=details, mark=start_id),
            callback_url=url,
        )

    def _consented(self, request: StartRecording, trigger: str | None) -> StartRecording:
        if request.consent is not None:
            request.consent.must_be_given(self._clock.now())
        elif self._settings.require_consent:
            if trigger is None:
                raise ConsentRequired("send consent, with its basis, reference and obtainedAt")
            return request.model_copy(update={"pause_on_start": True})  # until a resume with consent
        return request


def _must_be_allowed(state_callback_url: str | None, hosts: frozenset[str]) -> None:
    """Raises InvalidRequest for a URL on a host that STATE_CALLBACK_HOSTS doesn't name."""
    if state_callback_url is None or not hosts:
        return
    host = (urlsplit(state_callback_url).hostname or "").rstrip(".")
    above = (f"*.{host[dot + 1 :]}" for dot, letter in enumerate(host) if letter == ".")
    if hosts.isdisjoint({host, *above}):
        raise InvalidRequest.of(
            "stateCallbackUrl",
            "must be on a host that the setting STATE_CALLBACK_HOSTS allows: use one of those hosts, or omit the field",
        )


def _asked(request: StartRecording, repeatability: Repeatability) -> Recording:
    content, channel, media_format = request.kind()
    return Recording(
        recording_key="",
        server_call_id=request.server_call_id,
        call_connection_id=request.call_connection_id,
        group_call_id=str(request.group_call_id) if request.group_call_id else None,
        room_id=request.room_id,
        correlation=request.correlation,
        labels=text_of(request.labels),
        content=content.value,
        channel=channel.value,
        format=media_format.value,
        requested_at=repeatability.first_sent,
        listed_at=repeatability.first_sent,
        paused_at=repeatability.first_sent if request.pause_on_start else None,
        consent_basis=request.consent.basis if request.consent else None,
        consent_reference=request.consent.reference if request.consent else None,
        consent_obtained_at=request.consent.obtained_at if request.consent else None,
    )
