"""Publishes a package to a function app: `python -m infra.publish --group G --app A --package FILE`.

The package must contain its libraries, because Azure's own build of Flex Consumption may install them for another
Python: it ran Python 3.11 for an app of Python 3.13, on which azure-functions 2 can't be installed
(github.com/Azure/azure-dev/issues/8538, June 2026). `az functionapp deployment source config-zip` requests that build
for every Python app, even with `--build-remote false` (azure-cli 2.88, enable_zip_deploy_flex). This command sends the
package to the app's deployment endpoint itself, as the user of the Azure CLI, and waits until Azure has stored it.
"""

import argparse
import asyncio
import re
import sys
import zipfile
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp

from infra.az import AzError, az
from infra.package import DEPENDENCIES

_SENDING = aiohttp.ClientTimeout(total=600)
_ASKING = aiohttp.ClientTimeout(total=60)
_PAUSE_SECONDS = 5.0
# The endpoint of a new app answers 502 or 503 for its first minutes, and again while the app restarts.
_ATTEMPTS_TO_SEND = 60
_ATTEMPTS_TO_ASK = 180
_NOT_READY = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
_ACCEPTED = frozenset({HTTPStatus.OK, HTTPStatus.ACCEPTED})
_ID = re.compile(r"[A-Za-z0-9-]+")
# The hosts to which the user's token is sent.
_HOST = re.compile(r"[a-z0-9-]+\.scm\.([a-z0-9-]+\.)?(azurewebsites\.(net|us)|chinacloudsites\.cn)")
# The final states of a deployment.
_SUCCEEDED = 4
_ENDED = {3: "failed", -1: "was replaced by another deployment", 5: "was cancelled", 6: "succeeded only in part"}
_REFUSALS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "you may not publish to the app: this needs the right Microsoft.Web/sites/publish/action",
    HTTPStatus.FORBIDDEN: "you may not publish to the app, or its access restrictions refuse this machine",
    HTTPStatus.CONFLICT: "another deployment is running: wait until it has ended",
}


class PublishError(Exception):
    """The package wasn't published."""


class DeploymentEndpoint:
    """The app's deployment endpoint (SCM)."""

    def __init__(self, http: aiohttp.ClientSession, origin: str, token: str, *, pause: float = _PAUSE_SECONDS) -> None:
        self._http, self._origin, self._pause = http, origin, pause
        self._signed_in = {"Authorization": f"Bearer {token}"}

    async def publish(self, package: bytes) -> None:
        """Raises PublishError if Azure refuses the package, or doesn't store it in time."""
        deployment = await self._send(package)
        for _ in range(_ATTEMPTS_TO_ASK):
            status = await self._status(deployment)
            if status == _SUCCEEDED:
                return
            if status in _ENDED:
                raise PublishError(f"the deployment {_ENDED[status]}. {await self._log(deployment)}")
            await asyncio.sleep(self._pause)
        raise PublishError("the deployment hasn't ended yet: the portal shows it in the app's Deployment Center")

    async def _send(self, package: bytes) -> str:
        """The ID of the new deployment."""
        url = f"{self._origin}/api/publish?RemoteBuild=false&Deployer=callvault"
        headers = self._signed_in | {"Content-Type": "application/zip"}
        for _ in range(_ATTEMPTS_TO_SEND):
            try:
                async with self._http.post(
                    url, data=package, headers=headers, timeout=_SENDING, allow_redirects=False
                ) as answer:
                    status, text = answer.status, (await answer.text()).strip().strip('"')
            except (aiohttp.ClientError, TimeoutError):  # the name of a new app may not resolve yet
                status, text = HTTPStatus.SERVICE_UNAVAILABLE, ""
            if status in _ACCEPTED:
                return text if _ID.fullmatch(text) else "latest"
            if status not in _NOT_READY:
                raise PublishError(_REFUSALS.get(status, f"Azure answered {status}: {text[:500]}"))
            await asyncio.sleep(self._pause)
        raise PublishError("the app's deployment endpoint isn't ready: start the app if it is stopped")

    async def _status(self, deployment: str) -> int | None:
        found = await self._ask(deployment)
        return found.get("status") if isinstance(found, dict) else None

    async def _log(self, deployment: str) -> str:
        found = await self._ask(f"{deployment}/log")
        lines = [str(one.get("message", "")) for one in found] if isinstance(found, list) else []
        return "Its log: " + "; ".join(lines) if lines else "Its log is in the app's Deployment Center"

    async def _ask(self, what: str) -> Any:
        """None if the endpoint doesn't answer now."""
        url = f"{self._origin}/api/deployments/{what}"
        try:
            async with self._http.get(url, headers=self._signed_in, timeout=_ASKING, allow_redirects=False) as answer:
                return await answer.json(content_type=None) if answer.status in _ACCEPTED else None
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None


def has_libraries(package: Path) -> bool:
    with zipfile.ZipFile(package) as archive:
        return any(name.startswith(f"{DEPENDENCIES}/") for name in archive.namelist())


def deployment_host(group: str, app: str) -> str:
    """The host of the app's deployment endpoint, which can have another name than the app. Raises AzError."""
    found = az("functionapp", "show", "--resource-group", group, "--name", app)
    properties = {**found, **(found.get("properties") or {})}  # some versions of the CLI nest them
    hosts = [one["name"] for one in properties["hostNameSslStates"] if one["hostType"] == "Repository"]
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0].lower()):
        raise AzError(f"{app} has no deployment endpoint of Azure")
    return str(hosts[0])


async def _publish(host: str, token: str, package: bytes) -> None:
    async with aiohttp.ClientSession(trust_env=True) as http:  # az uses a proxy as well
        await DeploymentEndpoint(http, f"https://{host}", token).publish(package)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.publish", description=__doc__)
    parser.add_argument("--group", required=True, help="the app's resource group")
    parser.add_argument("--app", required=True, help="the function app's name")
    parser.add_argument("--package", required=True, type=Path, help="the package, built with its libraries")
    arguments = parser.parse_args()
    try:
        if not has_libraries(arguments.package):
            parser.error(f"{arguments.package} contains no libraries: run make package ARGS=--with-dependencies")
    except (OSError, zipfile.BadZipFile) as error:
        parser.error(str(error))
    try:
        host = deployment_host(arguments.group, arguments.app)
        token = az("account", "get-access-token", "--resource-type", "arm")["accessToken"]
        asyncio.run(_publish(host, token, arguments.package.read_bytes()))
    except (AzError, PublishError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{arguments.package.name} is published to {arguments.app}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
