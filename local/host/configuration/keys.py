"""Access keys: which level a request has.

The key is the value of the `x-functions-key` header, even if it is empty, else of the query parameter `code`, in any
casing of the name. The master key gives access to everything. A key that was used once is then accepted in any casing,
because the host's cache ignores case (measured).
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto


class Level(Enum):
    ANONYMOUS = auto()  # no key, or an unknown one
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
    # False: every request has all rights, as with `func start` without --enableAuth.
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
