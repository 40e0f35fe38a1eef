"""Who called, as the audit names them: the platform's word where it vouches for one, else the key that opened the door.

App Service's built-in authentication puts who signed in into headers, and drops those that a caller brings along. While
it is off nobody drops them, so they are believed only when the platform says that it is on.
"""

from collections.abc import Mapping

FUNCTION_KEY = "function key"

_LONGEST = 256  # characters of a name


def caller_of(headers: Mapping[str, str], *, authenticated: bool) -> str:
    """The caller's name and id, printable and bounded. `authenticated`: whether built-in authentication is on."""
    if not authenticated:
        return FUNCTION_KEY
    given = {name.lower(): value for name, value in headers.items()}
    name = _printable(given.get("x-ms-client-principal-name", ""))
    identifier = _printable(given.get("x-ms-client-principal-id", ""))
    if name and identifier and name != identifier:
        return f"{name} ({identifier})"
    return name or identifier or FUNCTION_KEY


def _printable(value: str) -> str:
    return "".join(letter for letter in value.strip() if letter.isprintable())[:_LONGEST]
