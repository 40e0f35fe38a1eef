"""The keys of the function app, kept in the stack's directory: a shell's `KEY` is still right after the next start.

They are random, and only this user can read the file. They protect local data only.
"""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

FILE = "keys.json"


@dataclass(frozen=True, kw_only=True)
class Keys:
    functions: str
    system: str  # of the Event Grid webhook
    master: str

    @classmethod
    def kept_in(cls, directory: Path) -> Self:
        """The keys of the last stack in the directory, or new ones, which are then kept there."""
        path = directory / FILE
        try:
            return cls(**json.loads(path.read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):  # none, or a start was interrupted while it wrote them
            keys = cls(**{name: f"local{secrets.token_hex(20)}" for name in ("functions", "system", "master")})
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(keys)) + "\n")
        return keys
