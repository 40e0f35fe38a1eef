"""Waits for the proof that a deployed app works: `python -m infra.proof --group G --app A --workspace ID`.

The proof has two parts. The line `sweep finished` of the running version arrives in the workspace: so the code started,
its identity may use the storage, and telemetry arrives, without which no alert can fire. And two requests without a
credential are answered with 401. If no line arrives, each thing that telemetry needs is checked and named.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import aiohttp

from infra.az import AzError, az
from shared.errors import SourceUnavailable
from shared.gateways.own_address import OwnAddress
from shared.operations.doctor.findings import Level
from shared.operations.doctor.sign_in import check_sign_in

LINE = "sweep finished"
# Monitoring Metrics Publisher, the role in main.bicep that lets the app send telemetry.
_PUBLISHER = "3913510d-42f4-4e42-8a64-420c390055eb"
_CONNECTION, _AUTHENTICATION = "APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"
_LOGS = "https://api.loganalytics.io"
_POLL_SECONDS = 20


class Deployed:
    """The deployed app, through the Azure CLI."""

    def __init__(self, group: str, app: str, workspace: str) -> None:
        self._group, self._app, self._workspace = group, app, workspace

    def lines(self, beginning: str, since: datetime) -> int:
        """How many log lines that begin so have arrived since then."""
        arrived = f"TimeGenerated > datetime({since.isoformat()}) and Message startswith '{beginning}'"
        query = f"AppTraces | where {arrived} | count"
        url = f"{_LOGS}/v1/workspaces/{self._workspace}/query"
        body = json.dumps({"query": query})
        found = az("rest", "--method", "post", "--url", url, "--resource", _LOGS, "--body", body)
        return int(found["tables"][0]["rows"][0][0])

    def settings(self) -> dict[str, str]:
        found = az("functionapp", "config", "appsettings", "list", *self._named())
        return {one["name"]: str(one["value"]) for one in found}

    def site(self) -> dict[str, Any]:
        """The app's state and host name, and the principals of its identities."""
        found = az("functionapp", "show", *self._named())
        properties = {**found, **(found.get("properties") or {})}  # some versions of the CLI nest them
        identities = (found.get("identity") or {}).get("userAssignedIdentities") or {}
        return {
            "state": properties.get("state"),
            "host": properties["defaultHostName"],
            "principals": [one["principalId"] for one in identities.values()],
        }

    def roles(self, principal: str) -> list[str]:
        found = az("role", "assignment", "list", "--all", "--assignee", principal, "--query", "[].roleDefinitionId")
        return [str(one).rpartition("/")[2] for one in found]

    def _named(self) -> tuple[str, ...]:
        return ("--resource-group", self._group, "--name", self._app)


def missing(deployed: Deployed, since: datetime) -> Iterator[str]:
    """What to fix, one sentence each, if the line hasn't arrived."""
    site, settings = deployed.site(), deployed.settings()
    if site["state"] != "Running":
        yield f"the app is {site['state']}: start it (az functionapp start)"
    if not settings.get(_CONNECTION):
        yield f"telemetry: the setting {_CONNECTION} is missing; deploy main.bicep again"
    client = settings.get("AZURE_CLIENT_ID", "")
    if settings.get(_AUTHENTICATION) != f"ClientId={client};Authorization=AAD":
        yield f"authentication string: {_AUTHENTICATION} must be ClientId=<AZURE_CLIENT_ID>;Authorization=AAD"
    try:
        if not any(_PUBLISHER in deployed.roles(one) for one in site["principals"]):
            yield "role: the app's identity has no role Monitoring Metrics Publisher; deploy main.bicep again"
    except AzError:  # requires the right to read assignments in the whole subscription
        yield "role: not checked. The app's identity needs Monitoring Metrics Publisher on Application Insights"
    if deployed.lines("", since):
        yield (
            "telemetry arrives, but no sweep finishes: look at the app's exceptions and warnings "
            "(docs/operations.md#sweep-silent), and run the doctor, which checks the roles on storage"
        )


async def refusals(host: str) -> list[str]:
    """Requests without a credential that weren't refused."""
    async with aiohttp.ClientSession() as http:
        found = await check_sign_in(OwnAddress(http, f"https://{host}"))
    return [one.detail for one in found if one.level is Level.FAILURE]


def _arrives(deployed: Deployed, since: datetime, minutes: float) -> bool:
    until = time.monotonic() + minutes * 60
    while True:
        try:
            if deployed.lines(LINE, since):
                return True
        except AzError:  # a new workspace doesn't answer queries at once
            if time.monotonic() >= until:
                raise
        if time.monotonic() >= until:
            return False
        time.sleep(_POLL_SECONDS)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.proof", description=__doc__)
    parser.add_argument("--group", required=True, help="the app's resource group")
    parser.add_argument("--app", required=True, help="the function app's name")
    parser.add_argument(
        "--workspace", required=True, help="ID of the workspace: main.bicep outputs workspaceCustomerId"
    )
    parser.add_argument("--minutes", type=float, default=15, help="how long to wait for the line; 15 by default")
    arguments = parser.parse_args()
    deployed, since = Deployed(arguments.group, arguments.app, arguments.workspace), datetime.now(UTC)
    try:
        if _arrives(deployed, since, arguments.minutes):
            found = asyncio.run(refusals(deployed.site()["host"]))
        else:
            reasons = list(missing(deployed, since)) or ["the app sends nothing: look at its exceptions in the portal"]
            found = [f"no line '{LINE}' arrived in {arguments.minutes:g} minutes", *reasons]
    except (AzError, SourceUnavailable) as error:
        found = [str(error)]
    sys.stderr.writelines(f"{one}\n" for one in found)
    if not found:
        sys.stdout.write("The sweep ran and its log line arrived. Requests without a credential are refused.\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
