"""Detects recordings that ACS wrote to the customer's own storage ("bring your own storage")."""

import re
from typing import Any
from urllib.parse import urlsplit

from shared.contracts import lenient_json

# Blob and Data Lake endpoints of Azure's clouds, including DNS zone endpoints.
_BLOB_HOST = re.compile(
    r"\.(?:blob|dfs)\.(?:core\.(?:windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)|storage\.azure\.net)\.?$"
)
_OF_ACS = ("acs", "azurecommunicationservice")


def names_own_storage(storage_type: Any) -> bool | None:
    """Whether an event's storageType isn't ACS's own store; None if it is invalid."""
    named = lenient_json.word(storage_type)
    return None if named is None else not named.strip().lower().startswith(_OF_ACS)


def is_own_storage(location: str) -> bool:
    try:
        host = urlsplit(location).hostname
    except ValueError:
        return False
    return host is not None and _BLOB_HOST.search(host) is not None
