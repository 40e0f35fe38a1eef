"""Processes callbacks of Call Automation: verifies the sender first, then applies each event.

A callback without a valid token, or with a wrong signature in its URL, changes nothing. Every other callback may come
twice, late and in any order. A callback that can't be parsed is quarantined and answered with success, up to a limit
per minute. Past the limit, and when storage or ACS fails, the answer is an error, and ACS may send the callback again.
"""

import json
from dataclasses import dataclass
from typing import Any

from shared.contracts.auto_record import Trigger
from shared.contracts.events.callbacks import CallbackEvent, CallbackKind, callback_kind, read_callback
from shared.contracts.events.outcome import Outcome
from shared.contracts.events.recording_event import UnreadableEvent
from shared.contracts.http.limits import CALLBACK_BYTES
from shared.domain.clock import Clock
from shared.domain.keys import call_key, key_of
from shared.errors import BodyTooLarge, CallbackRefused, CallbacksThrottled, InvalidRequest, LengthRequired
from shared.gateways.blobs.quarantine import Folder, QuarantineItem
from shared.gateways.bundle import Gateways
from shared.observability.logs import logger
from shared.recording.automatic import RULE, AutoRecording
from shared.recording.callback_tokens import CallbackTokens
from shared.recording.callback_urls import CallbackUrls
from shared.recording.ledger import LedgerUpdates, failure_of
from shared.recording.rate_limit import RateLimit
from shared.recording.start import Starting

log = logger("callbacks")

_MOST_EVENTS = 100
_OF_RECORDINGS = frozenset({CallbackKind.RECORDING_STATE_CHANGED, CallbackKind.START_RECORDING_FAILED})
# Callbacks that one instance quarantines a minute: the events of one array fit. The count is in memory, because a
# counter in storage would be written at each callback of a flood.
_MOST_QUARANTINED = _MOST_EVENTS


@dataclass(frozen=True, kw_only=True)
class CallbackHandlers:
    """The use cases that handle callbacks."""

    starting: Starting
    ledger: LedgerUpdates
    auto: AutoRecording


class Callbacks:
    """Receives ACS's callbacks about calls and recordings that are in progress."""

    def __init__(
        self,
        gateways: Gateways,
        clock: Clock,
        tokens: CallbackTokens,
        urls: CallbackUrls,
        handlers: CallbackHandlers,
    ) -> None:
        self._quarantine, self._links, self._clock = gateways.quarantine, gateways.links, clock
        self._starting, self._ledger, self._auto = handlers.starting, handlers.ledger, handlers.auto
        self._tokens, self._urls = tokens, urls
        self._quarantined = RateLimit(_MOST_QUARANTINED, clock)

    async def receive(
        self, body: bytes, *, authorization: str | None, start_id: str | None, signature: str | None
    ) -> list[Outcome]:
        """Processes an array of CloudEvents, or one. `start_id` and `signature` are parameters of the callback's URL.

        Raises CallbackRefused or CallbacksOff before the body is parsed, LengthRequired for an empty body,
        BodyTooLarge, InvalidRequest for too many events, and CallbacksThrottled for too many callbacks that can't be
        parsed.
        """
        await self._tokens.verify(authorization)
        try:
            named = self._urls.verified(start_id, signature)
        except CallbackRefused:
            log.error("callback signature missing or wrong", extra={"action": "callback"})  # noqa: TRY400 - no defect of ours: a traceback adds nothing
            raise
        if not body:
            raise LengthRequired
        if len(body) > CALLBACK_BYTES:
            raise BodyTooLarge(CALLBACK_BYTES)
        try:
            parsed = json.loads(body)
        except (ValueError, RecursionError):
            return [await self._keep(QuarantineItem.body(Folder.CALLBACKS, body), "the callback is not JSON")]
        envelopes = parsed if isinstance(parsed, list) else [parsed]
        if len(envelopes) > _MOST_EVENTS:
            raise InvalidRequest.of("body", f"must be an array of at most {_MOST_EVENTS} events")
        return [await self._take(envelope, named) for envelope in envelopes]

    async def _take(self, envelope: Any, start_id: str | None) -> Outcome:
        try:
            if not isinstance(envelope, dict):
                raise UnreadableEvent("the callback is not an object")  # noqa: TRY301 - the handler below keeps it
            kind = callback_kind(envelope)
            if kind is None:
                return Outcome.IGNORED
            event = read_callback(kind, envelope, self._clock.now())
        except UnreadableEvent as error:
            return await self._keep(QuarantineItem.event(Folder.CALLBACKS, envelope), str(error))
        if start_id is not None and not await self._is_of(start_id, kind, event):
            log.error("callback belongs to another start", extra={"action": "callback", "kind": str(kind)})
            return Outcome.IGNORED
        log.info("callback processed", extra={"action": "callback", "kind": str(kind)})
        if event.unknown:
            fields = {"action": "callback", "kind": str(kind), "fields": list(event.unknown)}
            log.warning("callback fields ignored", extra=fields)
        match kind:
            case CallbackKind.CALL_CONNECTED:
                await self._connected(event)
            case CallbackKind.CALL_DISCONNECTED:
                await self._ledger.call_ended(event)
            case CallbackKind.RECORDING_STATE_CHANGED if event.recording_id:
                await self._recording_changed(event, event.recording_id, start_id)
            case CallbackKind.START_RECORDING_FAILED:
                await self._start_failed(event, start_id)
        return Outcome.ACCEPTED

    async def _is_of(self, start_id: str, kind: CallbackKind, event: CallbackEvent) -> bool:
        """Whether the event may come at the start's URL: ACS reports only the start's own recording there."""
        return kind in _OF_RECORDINGS and await self._starting.is_of(start_id, event.recording_id)

    async def _connected(self, event: CallbackEvent) -> None:
        if event.server_call_id is None:
            return
        if event.call_connection_id:
            linked = await self._links.link_connection(event.call_connection_id, event.server_call_id)
            if call_key(linked) != call_key(event.server_call_id):
                fields = {"action": "callback", "call_key": call_key(event.server_call_id)}
                log.warning("connection already linked to another call", extra=fields)
        await self._auto.consider(Trigger.CALL_CONNECTED, server_call_id=event.server_call_id, by=RULE)

    async def _recording_changed(self, event: CallbackEvent, recording_id: str, start_id: str | None) -> None:
        if start_id:
            await self._starting.named(start_id, recording_id)
        await self._ledger.state_changed(event, recording_id)

    async def _start_failed(self, event: CallbackEvent, start_id: str | None) -> None:
        named = {"recording_key": key_of(event.recording_id)} if event.recording_id else {"start": start_id}
        log.error("start failed", extra={"action": "start", "failure": failure_of(event), **named})
        if event.recording_id:
            if start_id:
                await self._starting.named(start_id, event.recording_id)
            await self._ledger.start_failed(event, event.recording_id)
        elif start_id:
            await self._starting.failed(start_id, failure_of(event))
        if start_id and event.server_call_id:
            await self._auto.start_failed(start_id, event.server_call_id)

    async def _keep(self, callback: QuarantineItem, reason: str) -> Outcome:
        if not self._quarantined.admits(callback.name):
            raise CallbacksThrottled(
                f"more than {_MOST_QUARANTINED} callbacks in a minute could not be parsed",
                retry_after=self._quarantined.retry_after(),
            )
        await self._quarantine.keep(callback, reason, at=self._clock.now(), by=None)
        context = {"action": "quarantine", "blob": callback.name, "reason": reason}
        log.error("callback quarantined", extra=context)
        return Outcome.QUARANTINED
