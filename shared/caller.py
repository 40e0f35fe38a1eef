"""Who called, as the audit names them: the platform's word where it vouches for one, else the key that opened the door.

App Service's built-in authentication puts who signed in into headers, and drops those that a caller brings along. While
it is off nobody drops them, so they are believed only when the platform says that it is on.
"""

from collections.abc import Mapping

from shared.errors import CallerError, ForeignPage, SignInRequired

FUNCTION_KEY = "function key"

_LONGEST = 256  # characters of a name
_OUR_OWN = frozenset({"same-origin", "none"})  # a page of ours, or an address typed in


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


def stranger(headers: Mapping[str, str], method: str) -> CallerError | None:
    """Why a request is refused where signing in stands for the function key; None lets it in.

    Asked although the platform lets no stranger through: a path that it excludes might be written in a way that it and
    the Functions host read differently. A browser sends its session's cookie for any page, so one of another site may
    change nothing; who is no browser sends no such header.
    """
    given = {name.lower(): value for name, value in headers.items()}
    if not given.get("x-ms-client-principal-id", "").strip():
        return SignInRequired("sign in: send a token of Entra ID for this app as Authorization: Bearer …")
    if method.upper() not in {"GET", "HEAD"} and given.get("sec-fetch-site", "none") not in _OUR_OWN:
        return ForeignPage("this request was made by a page of another site")
    return None


def _printable(value: str) -> str:
    return "".join(letter for letter in value.strip() if letter.isprintable())[:_LONGEST]
