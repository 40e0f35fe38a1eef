"""Queue output bindings: written once the function has succeeded, and part of its success.

A write that fails fails the invocation; the messages written before it stay, as in Azure.
"""

import json

from azure.core.exceptions import AzureError

from local.host.bindings import Function
from local.host.errors import InvocationFailed
from local.host.protocol import Outcome, Typed
from local.host.storage import Encoding, QueueAccounts, send_creating


class Outputs:
    def __init__(self, accounts: QueueAccounts, encoding: Encoding) -> None:
        self._accounts = accounts
        self._encoding = encoding

    async def write(self, function: Function, outcome: Outcome) -> None:
        """Raises InvocationFailed."""
        for output in function.outputs:
            value = outcome.returned if output.parameter == "$return" else outcome.outputs.get(output.parameter)
            if value is None:
                continue
            queue = self._accounts.queue(output.connection, output.queue)
            try:
                for body in _bodies(value):
                    await send_creating(queue, self._encoding.encode(body))
            except (AzureError, UnicodeDecodeError) as error:
                raise InvocationFailed(f"output {output.parameter} to queue {output.queue}: {error}") from error


def _bodies(value: Typed) -> list[bytes]:
    """A message for each item of a JSON array; an item that is no string is written as JSON."""
    if value.kind == "bytes":
        return [value.value]
    if value.kind == "json":
        parsed = json.loads(value.value)
        items = parsed if isinstance(parsed, list) else [parsed]
        return [(item if isinstance(item, str) else json.dumps(item)).encode() for item in items]
    return [str(value.value).encode()]
