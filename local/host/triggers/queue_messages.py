"""The input of a queue-triggered function.

The trigger metadata are those of the WebJobs SDK. The top-level keys of a JSON body override them, in any casing: a key
`id` in the body replaces the message's id.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from azure.storage.queue import QueueMessage

from local.host.invocations import Cause
from local.host.worker.protocol import Typed

_COUNT = "DequeueCount"


def cause_of(message: QueueMessage, body: bytes) -> Cause:
    metadata = {
        "Id": _text(message.id),
        _COUNT: _typed(message.dequeue_count),
        "PopReceipt": _text(message.pop_receipt),
        "InsertionTime": _time(message.inserted_on),
        "ExpirationTime": _time(message.expires_on),
        "NextVisibleTime": _time(message.next_visible_on),
    }
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return Cause(data=Typed(kind="bytes", value=body), metadata=metadata)
    return Cause(data=_text(text), metadata=_overridden({"QueueTrigger": _text(text), **metadata}, text))


def unfit(body: bytes) -> str | None:
    """Why the host can't decode a base64 body. The invocation then fails before it reaches the worker.

    With messageEncoding none, the host passes on every body unchanged (measured).
    """
    try:
        parsed = json.loads(body.decode())
    except UnicodeDecodeError:
        return "the body is not UTF-8"
    except ValueError:
        return None
    counts = [value for key, value in _items(parsed) if key.lower() == _COUNT.lower()]
    return None if all(map(_is_count, counts)) else f"the body's {_COUNT} isn't a number"


def _overridden(metadata: Mapping[str, Typed], text: str) -> dict[str, Typed]:
    try:
        body = json.loads(text)
    except ValueError:
        return dict(metadata)
    names = {name.lower(): name for name in metadata}
    return {
        **metadata,
        **{
            names.get(key.lower()) or key: _typed(value)
            for key, value in _items(body)
            if key.lower() != _COUNT.lower() or _is_count(value)
        },
    }


def _items(parsed: Any) -> list[tuple[str, Any]]:
    return list(parsed.items()) if isinstance(parsed, dict) else []


def _is_count(value: Any) -> bool:
    return type(value) is int or (isinstance(value, str) and value.isdecimal())


def _typed(value: Any) -> Typed:
    # Numbers as JSON, too: the worker library has no other kind for them.
    return _text(value) if isinstance(value, str | None) else Typed(kind="json", value=json.dumps(value))


def _text(value: str | None) -> Typed:
    return Typed(kind="string", value=value)


def _time(value: datetime | None) -> Typed:
    return _typed(value.isoformat() if value else None)
