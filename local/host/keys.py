"""Access keys: which level a request has, and which it needs.

The key is that of the `x-functions-key` header, else of the `code` query parameter. The master key opens everything.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto


class Level(Enum):
    ANONYMOUS = auto()  # no key, or one that nobody knows
    FUNCTION = auto()  # the app's function key
    SYSTEM = auto()  # the Event Grid extension's key
    ADMIN = auto()  # the master key


def _random_key() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, kw_only=True)
class Keys:
    function: str = field(default_factory=_random_key, repr=False)
    system: str = field(default_factory=_random_key, repr=False)
    master: str = field(default_factory=_random_key, repr=False)
    # False: as `func start` without --enableAuth, every request has every right.
    enforced: bool = True

    def level(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Level:
        if not self.enforced:
            return Level.ADMIN
        presented = (headers.get("x-functions-key") or query.get("code") or "").encode()
        known = ((self.master, Level.ADMIN), (self.function, Level.FUNCTION), (self.system, Level.SYSTEM))
        return next((level for key, level in known if hmac.compare_digest(key.encode(), presented)), Level.ANONYMOUS)
