"""Expressions in snapshots: what only Azure knows, with stand-ins that look like Azure's values."""

import re
import uuid

# By the property of the resource that has it. Identifiers look like guids.
_LOOKS = {
    "hostName": "contoso.europe.communication.azure.com",
    "defaultHostName": "callvault.azurewebsites.net",
    "endpoint": "https://callvault.westeurope-1.eventgrid.azure.net/api/events",
    "ConnectionString": "InstrumentationKey=00000000-0000-4000-8000-000000000000",
}
_CLOUD = {
    "environment().suffixes.storage": "core.windows.net",
    "environment().authentication.loginEndpoint": "https://login.microsoftonline.com/",
}
_REFERENCE = re.compile(r"reference\([^()]*\)((?:\.\w+)+)")
_FORMAT = re.compile(r"format\(('[^']*'(?:, '[^']*')*)\)")


def look(value: str) -> str:
    """A value, or how it looks once Azure has worked out the expression, as far as it consists of known functions."""
    if not value.startswith("["):
        return value
    for name, known in _CLOUD.items():
        value = value.replace(name, f"'{known}'")
    value = _REFERENCE.sub(_referenced, value)
    while (simpler := _FORMAT.sub(_formatted, value)) != value:
        value = simpler
    whole = re.fullmatch(r"\['([^']*)'\]", value)
    return whole[1] if whole else value


def _referenced(found: re.Match[str]) -> str:
    known = _LOOKS.get(found[1].rpartition(".")[2]) or uuid.uuid5(uuid.NAMESPACE_URL, found[0])
    return f"'{known}'"


def _formatted(found: re.Match[str]) -> str:
    pattern, *parts = re.findall(r"'([^']*)'", found[1])
    return f"'{pattern.format(*parts)}'"
