"""Read by schemathesis: keeps it to requests that reach the app. What the platform refuses first isn't described."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import schemathesis

from shared.contracts.http.limits import EVENTS_BYTES

# Characters of the path's values, and of the query. Servers in front of the app, the platform's and the local host's,
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
    """The host answers a longer body with an empty 500, before the app sees it."""
    del context
    return not isinstance(case.body, list | dict) or len(json.dumps(case.body)) <= EVENTS_BYTES
