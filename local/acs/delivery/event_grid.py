"""Event Grid: subscriptions with their handshake, and deliveries with their retries.

An event goes to every subscription that existed when it was published. A delivery is retried until the endpoint accepts
it, refuses it permanently, or the retry schedule ends. Order isn't guaranteed, and an event may arrive more than once.
"""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from local.acs.delivery.background_sender import BackgroundSender
from local.acs.delivery.events import Event, type_of
from local.acs.errors import ControlError
from local.acs.identifiers import TOPIC, new_guid
from local.acs.times import acs_time, now

RETRY_SECONDS = (10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0)
ACCEPTED = frozenset({200, 201, 202, 203, 204})
REFUSED = frozenset({400, 413})  # not retried
MOST_AT_ONCE = 64


@dataclass(frozen=True, kw_only=True)
class Subscription:
    endpoint: str
    event_types: frozenset[str] | None
    retry_seconds: tuple[float, ...]
    subscription_id: str = field(default_factory=new_guid)

    @property
    def name(self) -> str:
        return f"local-{self.subscription_id[:8]}".upper()

    def wants(self, event: Event) -> bool:
        return self.event_types is None or type_of(event) in self.event_types

    def described(self) -> dict[str, Any]:
        return {
            "id": self.subscription_id,
            "name": self.name,
            "endpoint": self.endpoint,
            "eventTypes": None if self.event_types is None else sorted(self.event_types),
            "retrySeconds": list(self.retry_seconds),
        }


@dataclass(frozen=True, kw_only=True)
class Attempt:
    subscription_id: str
    count: int
    at: str
    status: int | None
    error: str | None

    def described(self) -> dict[str, Any]:
        fields = {"subscriptionId": self.subscription_id, "deliveryCount": self.count, "at": self.at}
        return {**fields, "status": self.status, "error": self.error}


@dataclass(kw_only=True)
class Published:
    event: Event
    publication_id: str
    published_at: str
    attempts: list[Attempt] = field(default_factory=list)
    open_deliveries: int = 0
    untried: set[str] = field(default_factory=set)
    tried: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the event was sent to every matching subscription for the first time, accepted or not."""

    def add(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        self.untried.discard(attempt.subscription_id)
        if not self.untried:
            self.tried.set()

    def described(self) -> dict[str, Any]:
        return {
            "id": self.publication_id,
            "publishedAt": self.published_at,
            "event": self.event,
            "deliveries": [attempt.described() for attempt in self.attempts],
            "pending": self.open_deliveries,
        }


class EventGrid(BackgroundSender):
    def __init__(self) -> None:
        super().__init__()
        self._subscriptions: dict[str, Subscription] = {}
        self._published: dict[str, Published] = {}
        self._at_once = asyncio.Semaphore(MOST_AT_ONCE)

    def subscriptions(self) -> list[Subscription]:
        return list(self._subscriptions.values())

    def published(self) -> list[Published]:
        return list(self._published.values())

    async def subscribe(self, subscription: Subscription) -> None:
        """Raises ControlError unless the endpoint answers the validation event with its code."""
        code = new_guid()
        event = {
            "id": new_guid(),
            "topic": TOPIC,
            "subject": "",
            "data": {"validationCode": code, "validationUrl": f"https://rp-westus2.eventgrid.azure.net/?id={code}"},
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": acs_time(now()),
            "metadataVersion": "1",
            "dataVersion": "2",
        }
        try:
            status, answer = await self._post(subscription, event, "SubscriptionValidation", 0)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ControlError(400, f"validation failed: the endpoint didn't answer: {error!r}") from error
        if status != 200:  # noqa: PLR2004 - the one status the handshake takes
            raise ControlError(400, f"validation failed: the endpoint answered {status}")
        if not isinstance(answer, dict) or answer.get("validationResponse") != code:
            raise ControlError(400, "validation failed: the answer has no validationResponse with the expected code")
        self._subscriptions[subscription.subscription_id] = subscription

    def unsubscribe(self, subscription_id: str) -> None:
        if self._subscriptions.pop(subscription_id, None) is None:
            raise ControlError(404, "no such subscription")

    def publish(self, event: Event, *, copies: int = 1) -> Published:
        """Starts the delivery. Each subscription gets the event `copies` times, even if it accepts the first."""
        published = Published(event=event, publication_id=_identity(event), published_at=acs_time(now()))
        if published.publication_id in self._published:
            published.publication_id = new_guid()
        self._published[published.publication_id] = published
        self._deliver(published, copies)
        return published

    def redeliver(self, publication_id: str) -> Published:
        try:
            published = self._published[publication_id]
        except KeyError:
            raise ControlError(404, "no such event") from None
        self._deliver(published, 1)
        return published

    def _deliver(self, published: Published, copies: int) -> None:
        wanting = [one for one in self._subscriptions.values() if one.wants(published.event)]
        published.untried = {one.subscription_id for one in wanting}
        if not wanting:
            published.tried.set()
        for subscription in wanting * copies:
            published.open_deliveries += 1
            self.start(self._until_accepted(published, subscription))

    async def _until_accepted(self, published: Published, subscription: Subscription) -> None:
        try:
            for count, wait in enumerate((0.0, *subscription.retry_seconds)):
                await asyncio.sleep(wait)
                if subscription.subscription_id not in self._subscriptions:
                    return
                attempt = await self._attempt(published.event, subscription, count)
                published.add(attempt)
                if attempt.status in ACCEPTED | REFUSED:
                    return
        finally:
            published.open_deliveries -= 1

    async def _attempt(self, event: Event, subscription: Subscription, count: int) -> Attempt:
        status, failure = None, None
        async with self._at_once:
            at = acs_time(now())
            try:
                status, _ = await self._post(subscription, event, "Notification", count)
            except (aiohttp.ClientError, TimeoutError) as error:
                failure = repr(error)
        return Attempt(subscription_id=subscription.subscription_id, count=count, at=at, status=status, error=failure)

    async def _post(self, to: Subscription, event: Event, event_type: str, count: int) -> tuple[int, Any]:
        if self._session is None:
            raise RuntimeError("Event Grid isn't open")
        headers = {
            "aeg-event-type": event_type,
            "aeg-subscription-name": to.name,
            "aeg-delivery-count": str(count),
            "aeg-data-version": "1.0",
            "aeg-metadata-version": "1",
        }
        is_cloud_event = "specversion" in event
        if is_cloud_event:
            headers["Content-Type"] = "application/cloudevents+json; charset=utf-8"
        async with self._session.post(
            to.endpoint, json=event if is_cloud_event else [event], headers=headers
        ) as response:
            # Parsed for any content type: the Functions host answers the handshake with JSON as text/plain.
            return response.status, _json_or_none(await response.read())


def _json_or_none(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _identity(event: Event) -> str:
    given = event.get("id")
    return given if isinstance(given, str) and given else new_guid()
