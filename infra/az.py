"""Runs the Azure CLI, as the user who is signed in to it."""

import json
import shutil
import subprocess
from typing import Any

_PATIENCE_SECONDS = 120


class AzError(Exception):
    """The Azure CLI is missing or refused a request, with its own message on standard error."""


def az(*arguments: str) -> Any:
    """The answer of an Azure CLI command, parsed from JSON. Raises AzError."""
    program = shutil.which("az")
    if program is None:
        raise AzError("the Azure CLI (az) isn't installed")
    command = [program, *arguments, "--output", "json"]
    try:
        done = subprocess.run(  # noqa: S603 - no shell; az prints its errors to stderr
            command, check=True, stdout=subprocess.PIPE, timeout=_PATIENCE_SECONDS
        )
        return json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        raise AzError(f"az {' '.join(arguments[:3])} failed: see its message above") from error
