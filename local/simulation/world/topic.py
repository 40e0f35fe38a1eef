"""The customer's topic: what was announced to it, in order."""

import json
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from local.memory.storage.account import Account, Operation, Service


@dataclass
class SimulatedTopic:
    """Accepts announcements, as the SDK's pipeline client."""

    account: Account
    announced: list[dict[str, Any]] = field(default_factory=list)

    def for_account(self, account: Account) -> "SimulatedTopic":
        return replace(self, account=account)

    def format_url(self, path: str) -> str:
        return f"https://topic.simulated{path}"

    async def send_request(self, request: Any, **_: Any) -> Any:
        events = json.loads(request.content)

        def apply() -> Any:
            self.announced.extend(events)
            return SimpleNamespace(status_code=200, headers={})

        operation = Operation(
            service=Service.TOPIC, method="publish", target=f"{len(events)} events", writes=True, is_retried=False
        )
        return await self.account.turn(operation, apply)
