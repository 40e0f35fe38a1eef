"""The hosts that may receive a token: Azure's own, in the public, US Government and China clouds.

Without this check, anyone who can write an app setting could enter their own host there, and collect the tokens of the
app's identity or of an operator who runs a command against the app. The settings, and so the doctor and every command,
refuse all hosts that these patterns don't match; the clients check again before they attach a token credential. A
pattern matches the whole URL: https, no port, user, query or trailing dot, plain ASCII, and only the path that Azure
shows.

Sources: Microsoft's lists of endpoints in each cloud; for storage with Azure DNS zone endpoints the storage account
overview (`<account>.z[00-99].<service>.storage.azure.net`).
"""

import re

from shared.errors import SettingsError

ACCOUNT_NAME = r"^[a-z0-9]{3,24}$"
ACCOUNT_NAME_RULE = "a storage account's name: 3 to 24 lower-case letters and digits"

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
ACS_ENDPOINT = rf"^https://(?:{_LABEL}\.){{1,3}}communication\.azure\.(?:com|us|cn)/?$"
ACS_ENDPOINT_RULE = "the resource's endpoint, as in https://contoso.communication.azure.com (or .azure.us, .azure.cn)"
TOPIC_ENDPOINT = rf"^https://(?:{_LABEL}\.){{2,4}}eventgrid\.azure\.(?:net|us|cn)(?:/api/events)?/?$"
TOPIC_ENDPOINT_RULE = "an Event Grid topic's endpoint, as in https://<topic>.<region>.eventgrid.azure.net/api/events"

_STORAGE_SUFFIX = r"core\.(?:windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)"


def _storage(service: str) -> str:
    zone = rf"z[0-9]{{1,2}}\.{service}\.storage\.azure\.net"
    return rf"^https://[a-z0-9]{{3,24}}\.(?:{service}\.{_STORAGE_SUFFIX}|{zone})/?$"


def _storage_rule(service: str) -> str:
    return f"the account's {service} endpoint in Azure, as in https://<account>.{service}.core.windows.net"


BLOB_ENDPOINT, BLOB_ENDPOINT_RULE = _storage("blob"), _storage_rule("blob")
QUEUE_ENDPOINT, QUEUE_ENDPOINT_RULE = _storage("queue"), _storage_rule("queue")
TABLE_ENDPOINT, TABLE_ENDPOINT_RULE = _storage("table"), _storage_rule("table")

_ADDRESSES = tuple(map(re.compile, (ACS_ENDPOINT, TOPIC_ENDPOINT, BLOB_ENDPOINT, QUEUE_ENDPOINT, TABLE_ENDPOINT)))


def require_token_host(address: str | None) -> str:
    """Returns `address` if it may receive a token. Raises SettingsError without quoting the address otherwise."""
    if address is None or not any(pattern.fullmatch(address) for pattern in _ADDRESSES):
        raise SettingsError(
            "an address in the settings isn't an Azure service endpoint, so no token is sent to it: correct the setting"
        )
    return address
