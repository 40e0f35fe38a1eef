"""The Bicep CLI as a server: one process answers many requests, each ten times faster than a process of its own.

The protocol is JSON-RPC with Content-Length headers on standard input and output (`bicep jsonrpc --stdio`).
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

# The deployment that snapshots assume.
DEPLOYMENT: Mapping[str, str] = {
    "subscriptionId": "11111111-1111-1111-1111-111111111111",
    "tenantId": "22222222-2222-2222-2222-222222222222",
    "resourceGroup": "callvault",
    "location": "westeurope",
    "deploymentName": "callvault",
}
MISSING = "the Bicep CLI isn't installed: install bicep, or run az bicep install"


class BicepError(Exception):
    """The compiler refused a file, or the template itself ended the deployment by `fail`."""


def find() -> Path | None:
    """`bicep` on the PATH, else the copy that `az bicep install` keeps in the configuration folder of the Azure CLI."""
    on_path = shutil.which("bicep")
    if on_path:
        return Path(on_path)
    own = Path(os.environ.get("AZURE_CONFIG_DIR", Path.home() / ".azure")) / "bin/bicep"
    return own if os.access(own, os.X_OK) else None


def environment() -> dict[str, str]:
    """The CLI's environment: it also has to start where the ICU library is missing.

    main.bicepparam reads ACS_NAME. Without profile-guided compilation of itself, the CLI uses a third less CPU time for
    a hundred requests.
    """
    own = {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "DOTNET_TieredPGO": "0", "ACS_NAME": "acs1"}
    return {**os.environ, **own}


class Compiler:
    """A running Bicep CLI. Use it as a context manager, which ends the process."""

    def __init__(self, command: Path) -> None:
        self.command = command
        self._process = subprocess.Popen(  # noqa: S603 - the Bicep CLI
            [str(command), "jsonrpc", "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
        )
        self._requests = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def compile(self, file: Path) -> dict[str, Any]:
        """The ARM template of a .bicep file. Raises BicepError for errors."""
        result = self._result("bicep/compile", {"path": str(file)})
        if not result["success"]:
            raise BicepError("\n".join(map(_as_text, result["diagnostics"])))
        template: dict[str, Any] = json.loads(result["contents"])
        return template

    def findings(self, file: Path) -> list[str]:
        """Errors and warnings of the compiler and its linter for a .bicep or .bicepparam file."""
        way = "bicep/compileParams" if file.suffix == ".bicepparam" else "bicep/compile"
        given: dict[str, Any] = {"path": str(file)}
        if file.suffix == ".bicepparam":
            given["parameterOverrides"] = {}
        return [_as_text(one) for one in self._result(way, given)["diagnostics"]]

    def formatted(self, file: Path) -> str:
        """The text of a file in the compiler's own format."""
        return str(self._result("bicep/format", {"path": str(file)})["contents"])

    def snapshot(self, scenario: Path) -> dict[str, Any]:
        """What a deployment with these parameters would create. Raises BicepError if it would be refused."""
        given = {"path": str(scenario), "metadata": DEPLOYMENT, "externalInputs": None}
        try:
            found: dict[str, Any] = json.loads(self._result("bicep/getSnapshot", given)["snapshot"])
        except BicepError as error:
            if str(error) != "Compilation failed":
                raise
            raise BicepError("\n".join(self.findings(scenario))) from error
        if found["diagnostics"]:
            raise BicepError(json.dumps(found["diagnostics"]))
        return found

    def _result(self, method: str, params: Mapping[str, Any]) -> Any:
        self._requests += 1
        request = {"jsonrpc": "2.0", "id": self._requests, "method": method, "params": [params]}
        body = json.dumps(request).encode()
        sent, received = self._process.stdin, self._process.stdout
        if sent is None or received is None:
            raise BicepError("the Bicep CLI has no standard input or output")
        try:
            sent.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            sent.flush()
        except BrokenPipeError as error:
            raise BicepError("the Bicep CLI ended") from error
        length = 0
        while header := received.readline().strip():
            name, _, value = header.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        if not length:
            raise BicepError("the Bicep CLI ended")
        answer = json.loads(received.read(length))
        if "error" in answer:
            raise BicepError(answer["error"]["message"])
        return answer["result"]


def _as_text(diagnostic: Mapping[str, Any]) -> str:
    start = diagnostic["range"]["start"]
    place = f"{Path(diagnostic['source']).name}:{start['line'] + 1}"
    return f"{place}: {diagnostic['level']} {diagnostic['code']}: {diagnostic['message']}"
