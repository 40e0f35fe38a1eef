"""Digests of answers, requests and contents, which are equal for equal things in any run."""

import re
from collections.abc import Iterator
from datetime import timedelta
from hashlib import blake2b
from types import FunctionType, MethodType

_NAME = re.compile(r"[0-9a-f]{16}")
SKIPPED = (
    "_account",
    "account",
    "internal_response",
    "documents",
    "recorder",
    "deletions",
    "announced",
    "_whole",
)  # the world and what is derived, and not what is sent
_SIZE = 16  # bytes


def digest_of(thing: object) -> bytes:
    return blake2b("\0".join(_parts(thing)).encode(), digest_size=_SIZE).digest()


def joined(*things: object) -> bytes:
    """The digest of plain values."""
    return blake2b(repr(things).encode(), digest_size=_SIZE).digest()


def name_in(etag: str) -> str:
    """The part of an ETag that differs between two writes."""
    return str(_NAME.findall(etag.lower())[-1])


def names_in(thing: object) -> frozenset[str]:
    """Everything in an answer or a request that can be the name in an ETag."""
    return frozenset(_NAME.findall(" ".join(_parts(thing)).lower()))


def _parts(thing: object) -> Iterator[str]:  # noqa: C901, PLR0912 - one case for each kind of thing
    """Everything that a thing consists of, in a fixed order. A function consists of what it refers to."""
    match thing:
        case None | bool() | int() | float() | str() | bytes():
            yield repr(thing)
        case dict():
            for key in sorted(thing, key=repr):
                yield repr(key)
                yield from _parts(thing[key])
        case list() | tuple():
            for one in thing:
                yield from _parts(one)
        case BaseException():
            yield f"{type(thing).__name__} {thing}"
        case timedelta():
            yield str(thing)
        case MethodType():
            yield thing.__qualname__
        case FunctionType():
            yield thing.__qualname__
            for cell in thing.__closure__ or ():
                yield from _parts(cell.cell_contents)
        case _ if hasattr(thing, "isoformat"):
            yield str(thing)
        case _:
            yield type(thing).__name__
            for name, one in sorted(vars(thing).items()) if hasattr(thing, "__dict__") else ():
                if name not in SKIPPED:
                    yield name
                    yield from _parts(one)
