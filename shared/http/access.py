"""One table of HTTP routes: who may call each route, and what the route does.

The guards in function_app, the host's key level and the API description all read this table. A route that isn't in the
table can't be registered, so a new function can't be left open by mistake.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto


class Role(StrEnum):
    """An app role of the Entra application, by its value in a token's `roles` claim."""

    READER = "Reader"
    RECORDER = "Recorder"
    OPERATOR = "Operator"

    @property
    def sufficient(self) -> frozenset["Role"]:
        """The roles that include this one: a Recorder may also read, and an Operator may do everything."""
        ladder = tuple(Role)
        return frozenset(ladder[ladder.index(self) :])


class Effect(Enum):
    """What a request changes."""

    NONE = auto()
    AUDIT_ENTRY = auto()  # reads personal data; an audit entry names the reader
    CHANGE = auto()


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who may call a route, and its effect. If `role` is None, the route needs neither a key nor a sign-in."""

    role: Role | None
    effect: Effect = Effect.NONE


_OPEN = Access(role=None)
_READ = Access(role=Role.READER)
_AUDITED_READ = Access(role=Role.READER, effect=Effect.AUDIT_ENTRY)
_RECORD = Access(role=Role.RECORDER, effect=Effect.CHANGE)
_OPERATE = Access(role=Role.OPERATOR, effect=Effect.CHANGE)

_TABLE: Mapping[tuple[str, str], Access] = {
    ("GET", "recordings"): _AUDITED_READ,  # can search by participant
    ("GET", "recordings/{recordingId}"): _READ,
    ("GET", "recordings/{recordingId}/archive"): _AUDITED_READ,
    ("GET", "recordings/{recordingId}/timeline"): _AUDITED_READ,
    ("GET", "recordings/{recordingId}/chunks/{documentId}/content"): _AUDITED_READ,
    ("GET", "recordings/{recordingId}/chunks/{documentId}/metadata"): _AUDITED_READ,
    ("GET", "quarantine"): _READ,
    ("GET", "summary"): _READ,
    ("GET", "health"): _READ,
    ("POST", "recordings"): _RECORD,
    ("POST", "recordings/{recordingId}/stop"): _RECORD,
    ("POST", "recordings/{recordingId}/pause"): _RECORD,
    ("POST", "recordings/{recordingId}/resume"): _RECORD,
    ("POST", "recordings/{recordingId}/replay"): _OPERATE,
    ("POST", "recordings/{recordingId}/chunks/{documentId}/replay"): _OPERATE,
    ("POST", "recordings/{recordingId}/chunks/{documentId}/acknowledge"): _OPERATE,
    ("POST", "replay"): _OPERATE,
    ("POST", "quarantine/{quarantineId}/replay"): _OPERATE,
    ("POST", "events"): _OPERATE,
    ("POST", "callbacks"): _OPEN,  # the function verifies ACS's token
    ("GET", "openapi.json"): _OPEN,
    ("GET", "swagger.json"): _OPEN,
    ("GET", "dashboard"): _OPEN,
    ("GET", "dashboard/{file}"): _OPEN,
}


def access_to(method: str, route: str) -> Access:
    """A route's entry in the table. `route` has no prefix. Raises KeyError if the table has no such route."""
    return _TABLE[method.upper(), route]
