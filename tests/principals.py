"""Callers as App Service's built-in authentication puts them into a request's headers."""

import base64
import json
from collections.abc import Mapping
from typing import Any

MAPPED_ROLE_CLAIM = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
OBJECT_ID = "3d1f7a1b-0000-4000-8000-0000000000ad"


def signed_in(*roles: str, claim: str = "roles", role_typ: str = MAPPED_ROLE_CLAIM) -> dict[str, str]:
    """Headers of a caller with these app roles, each a claim of the type `claim`."""
    claims = [{"typ": "oid", "val": OBJECT_ID}, *({"typ": claim, "val": role} for role in roles)]
    return with_principal({"auth_typ": "aad", "claims": claims, "name_typ": "name", "role_typ": role_typ})


def with_principal(principal: Any) -> dict[str, str]:
    return {
        "x-ms-client-principal-id": OBJECT_ID,
        "x-ms-client-principal": base64.b64encode(json.dumps(principal).encode()).decode(),
    }


def without_roles(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "x-ms-client-principal"}
