"""The request bodies of the control API, and the errors for invalid ones."""

import json
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from local.acs.calls.calls import CallKind, CallTraits, Vintage
from local.acs.errors import ControlError

GIB_64 = 64 << 30


class Order(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="forbid")


class ParticipantOrder(Order):
    id: str | None = None
    name: str | None = None


class TraitsOrder(Order):
    vintage: Vintage = "current"
    chunk_seconds: float = Field(default=14_400, ge=0.1)
    redirects: bool = False
    omit_types: bool = False
    repeat_events: int = Field(default=0, ge=0)
    shuffle: bool = False
    quirks: bool = False
    wild_metadata: bool = False
    oddities: bool | None = None
    """Whether some answers and fields are unusual. Default: the simulator's option."""

    def traits(self, kind: CallKind = "group", *, oddities: bool) -> CallTraits:
        return CallTraits(
            kind=kind,
            vintage=self.vintage,
            chunk_seconds=self.chunk_seconds,
            redirects=self.redirects,
            omit_types=self.omit_types,
            repeat_events=self.repeat_events,
            shuffle=self.shuffle,
            quirks=self.quirks,
            wild_metadata=self.wild_metadata,
            oddities=oddities if self.oddities is None else self.oddities,
        )


class CallOrder(TraitsOrder):
    kind: CallKind = "group"
    participants: int | tuple[ParticipantOrder, ...] = 2
    callback_uri: str | None = Field(default=None, pattern=r"^https://\S+$")


class HostOrder(Order):
    host: str = Field(min_length=1)
    address: str = Field(pattern=r"^http://\S+$")


class WitnessOrder(Order):
    address: str = Field(pattern=r"^http://\S+$")


class TokenOrder(Order):
    audience: str | None = None
    issuer: str | None = None
    lifetime: float | None = None


class AdvanceOrder(Order):
    seconds: float = Field(gt=0)


class DocumentOrder(TraitsOrder):
    size: int = Field(ge=0, le=GIB_64)
    format: Literal["wav", "mp3", "mp4"] = "wav"
    channels: int = Field(default=1, ge=1, le=5)
    recording_id: str | None = None
    call_id: str | None = None
    server_call_id: str | None = None
    index: int = Field(default=0, ge=0)
    count: int = Field(default=1, ge=1, le=1000)
    announce: bool = True
    seed: int | None = Field(default=None, ge=0)
    participants: int | tuple[ParticipantOrder, ...] = 2
    retention_seconds: float | None = Field(default=None, gt=0)


class SubscriptionOrder(Order):
    endpoint: str = Field(pattern=r"^https?://\S+$")
    event_types: tuple[str, ...] | None = None
    retry_seconds: tuple[float, ...] | None = None


async def read[T: BaseModel](request: web.Request, model: type[T]) -> T:
    """The body as the model. An empty body is read as an empty object."""
    try:
        return model.model_validate(await read_object(request))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise ControlError(400, f"{where}: {reason}" if where else reason) from error


async def read_object(request: web.Request) -> dict[str, Any]:
    body = await request.read()
    try:
        value = json.loads(body) if body.strip() else {}
    except ValueError as error:
        raise ControlError(400, f"the body isn't JSON: {error}") from error
    if not isinstance(value, dict):
        raise ControlError(400, "the body isn't a JSON object")
    return value


def listed(participants: int | tuple[ParticipantOrder, ...]) -> tuple[ParticipantOrder, ...]:
    return tuple(ParticipantOrder() for _ in range(participants)) if isinstance(participants, int) else participants
