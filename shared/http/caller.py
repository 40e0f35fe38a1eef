"""The caller and the caller's roles, from App Service's built-in authentication; else the key that the route requires.

The platform names the caller in headers, and removes such headers from the incoming request. While built-in
authentication is off, nothing removes them, so the app trusts them only when the platform says that it is on.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from shared.http.access import Role

FUNCTION_KEY, MASTER_KEY = "function key", "master key"

_LONGEST = 256  # characters of a name
# The platform's names for the app role claim: the token's name, or the name that .NET maps it to. The principal's
# `role_typ` should say which, but its value differs between platform versions, so both are read.
_ROLE_CLAIMS = frozenset({"roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"})


def caller_of(headers: Mapping[str, str], *, authenticated: bool, key: str = FUNCTION_KEY) -> str:
    """The caller's name and id, printable and truncated; else the key that the route requires.

    `authenticated`: whether built-in authentication is on.
    """
    if not authenticated:
        return key
    given = {name.lower(): value for name, value in headers.items()}
    name = _printable(given.get("x-ms-client-principal-name", ""))
    identifier = _printable(given.get("x-ms-client-principal-id", ""))
    if name and identifier and name != identifier:
        return f"{name} ({identifier})"
    return name or identifier or key


def is_signed_in(headers: Mapping[str, str]) -> bool:
    """Whether the platform names a caller. Valid only while built-in authentication is on."""
    return bool(_header(headers, "x-ms-client-principal-id").strip())


def roles_of(headers: Mapping[str, str]) -> frozenset[Role]:
    """The caller's app roles; none if the principal can't be parsed. Valid only while built-in authentication is on."""
    try:
        principal = json.loads(base64.b64decode(_header(headers, "x-ms-client-principal"), validate=True))
    except (ValueError, RecursionError):
        return frozenset()
    values = set(_role_values(principal))
    return frozenset(role for role in Role if role in values)


def _role_values(principal: Any) -> Iterable[str]:
    if not isinstance(principal, dict) or not isinstance(claims := principal.get("claims"), list):
        return
    names = {*_ROLE_CLAIMS, principal["role_typ"]} if isinstance(principal.get("role_typ"), str) else _ROLE_CLAIMS
    for claim in claims:
        match claim:
            case {"typ": str(name), "val": str(value)} if name in names:
                yield value


def _header(headers: Mapping[str, str], wanted: str) -> str:
    return next((value for name, value in headers.items() if name.lower() == wanted), "")


def _printable(value: str) -> str:
    return "".join(letter for letter in value.strip() if letter.isprintable())[:_LONGEST]
