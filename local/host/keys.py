"""Access keys: which level a request has, and which it needs.

The key is that of the `x-functions-key` header, an empty one too, else of the query parameter `code`, whose name counts
in any casing. The master key opens everything. Once a key has been used it opens in any casing: the host's cache
ignores case (measured).
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

    _used: dict[bytes, Level] = field(default_factory=dict, init=False, repr=False)

    def level(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Level:
        if not self.enforced:
            return Level.ADMIN
        code = next((value for name, value in query.items() if name.lower() == "code"), "")
        presented = headers.get("x-functions-key", code).encode()
        known = ((self.master, Level.ADMIN), (self.function, Level.FUNCTION), (self.system, Level.SYSTEM))
        for key, level in known:
            if hmac.compare_digest(key.encode(), presented):
                self._used[presented.lower()] = level
                return level
        return self._used.get(presented.lower(), Level.ANONYMOUS)
