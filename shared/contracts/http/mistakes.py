"""What is wrong with a request, in words that help to fix it: where its JSON is malformed, and what a typo may mean.

The texts name fields, parameters and positions, and never quote a value.
"""

import json
from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST_NAME = 64  # characters of an unknown name that an error quotes
_SIMILAR = 0.6  # difflib's usual limit: one or two wrong letters in a name of ten
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The advice for an unknown name. `kind`: what the names are, such as "field"; `known`: the names that exist."""
    names = list(known)
    by_lower = {one.lower(): one for one in names}
    similar = get_close_matches(_bare(name), list(by_lower), n=1, cutoff=_SIMILAR)
    if similar:
        return f"isn't a known {kind}: did you mean {by_lower[similar[0]]}?"
    return f"isn't a known {kind}: remove it, or use one of {', '.join(names)}"


def shortened(name: str) -> str:
    """An unknown name as an error quotes it."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


def malformed(body: bytes) -> str:
    """Why a body isn't JSON, with line and column, both counted from 1, the column in characters."""
    if not body.strip():
        return "is empty: send JSON"
    if body.startswith(_BYTE_ORDER_MARK):
        return "begins with a byte order mark: send UTF-8 without it"
    try:
        json.loads(body.decode())
    except UnicodeDecodeError as error:
        return f"isn't UTF-8 at {_place_of(body[: error.start])}: encode the body as UTF-8"
    except json.JSONDecodeError as error:
        message = error.msg.removesuffix(" at")
        return f"isn't valid JSON at line {error.lineno}, column {error.colno}: {message[0].lower()}{message[1:]}"
    except (ValueError, RecursionError):
        pass  # a number with thousands of digits, or thousands of nested arrays
    return "isn't valid JSON: it has too deep a structure, too long a number, or half of a Unicode pair"


def _place_of(before: bytes) -> str:
    *lines, last = before.decode().split("\n")
    return f"line {len(lines) + 1}, column {len(last) + 1}"


def _bare(name: str) -> str:
    """The name as it is compared: `server_call_id` and `ServerCallID` are typos of serverCallId."""
    return name[:_LONGEST_NAME].replace("_", "").replace("-", "").lower()
