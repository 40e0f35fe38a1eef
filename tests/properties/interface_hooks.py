"""Hooks for schemathesis: only requests that reach the app. The description doesn't cover refusals of the platform."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import schemathesis

from shared.contracts.http.limits import EVENTS_BYTES

# Characters of the path's values, and of the query. The servers in front of the app, in Azure and on the local host,
# refuse a request line of more than 8 KiB.
_LONGEST = 3500


@schemathesis.hook
def filter_path_parameters(context: schemathesis.HookContext, path_parameters: dict[str, Any] | None) -> bool:
    del context
    return sum(len(quote(str(value), safe="%")) for value in (path_parameters or {}).values()) <= _LONGEST


@schemathesis.hook
def filter_query(context: schemathesis.HookContext, query: dict[str, Any] | None) -> bool:
    del context
    return len(urlencode(query or {}, doseq=True)) <= _LONGEST


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    """The host answers longer bodies with an empty 500, and the app never sees them."""
    del context
    return not isinstance(case.body, list | dict) or len(json.dumps(case.body)) <= EVENTS_BYTES
