"""Runs a command of Callvault here, against a deployed app: `python -m infra.remote --group G --app A shared.doctor`.

The command gets the app's own settings, read from Azure, and no other variable of the app's; it signs in as the user
of the Azure CLI, never as the app. No value of a setting is printed. Because whoever can write the app's settings
chooses the hosts that this user's tokens go to, the command's settings refuse hosts other than Azure's
(shared.settings.token_hosts), and settings that lead to a simulator on this machine are refused here.
"""

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping

from shared.operations.doctor.configuration import concerns
from shared.settings.settings import is_reference

COMMANDS = ("shared.doctor", "shared.deadletters", "shared.rebuild", "shared.callbackurls")
# What may take a list of settings; az asks Azure once.
_PATIENCE_SECONDS = 120
_FAILED = 2
_SIMULATOR = frozenset({"ACS_LOCAL_GATEWAY", "ACS_LOCAL_CA"})
# The doctor looks whether they are set, and uses neither.
_STOOD_IN_FOR = frozenset({"PARTICIPANTS_SECRET", "CALLBACK_SECRET"})


class RemoteError(Exception):
    """The app's settings can't be had; the message says what to do."""


def own_settings(listed: object) -> dict[str, str]:
    """Of what az lists those that Callvault or its doctor reads. A PATH or LD_PRELOAD, say, stays where it is."""
    if not isinstance(listed, list):
        raise RemoteError("az gave no list of settings")
    given = {str(item["name"]): str(item["value"]) for item in listed}
    if simulator := sorted(name for name in given if name.upper() in _SIMULATOR):
        names = ", ".join(simulator)
        raise RemoteError(f"{names}: leads to a simulator, which a deployed app has none of; remove it from the app")
    return {name: value for name, value in given.items() if concerns(name)}


def settings_of(group: str, app: str) -> dict[str, str]:
    az = shutil.which("az")
    if az is None:
        raise RemoteError("the Azure CLI (az) is not installed")
    command = [az, "functionapp", "config", "appsettings", "list", "--resource-group", group, "--name", app]
    try:
        done = subprocess.run(  # noqa: S603 - no shell; az tells on stderr what is wrong
            [*command, "--output", "json"], check=True, stdout=subprocess.PIPE, timeout=_PATIENCE_SECONDS
        )
        return own_settings(json.loads(done.stdout))
    except (subprocess.SubprocessError, ValueError) as error:
        raise RemoteError(f"the settings of {app} in {group} can't be read: is az signed in?") from error


def resolved(settings: Mapping[str, str], here: Mapping[str, str], command: str) -> dict[str, str]:
    """Settings of which those that refer to a Key Vault, as the app alone can, are replaced by what is known here.

    For the doctor a random text stands in for a secret that it doesn't use: whoever deploys need not be able to read
    it. Raises RemoteError for any other reference that isn't known here, because its text must never serve as a value.
    """
    referring = {name for name, value in settings.items() if is_reference(value)}
    known = {name: here[name] for name in referring & here.keys()}
    if command == "shared.doctor":
        known = {name: secrets.token_urlsafe(32) for name in referring & _STOOD_IN_FOR} | known
    unknown = sorted(referring - known.keys())
    if unknown:
        names = ", ".join(unknown)
        raise RemoteError(
            f"{names}: the app reads it from a Key Vault; put the secret into this shell's environment, as "
            "`az keyvault secret show --query value --output tsv` gives it"
        )
    return {**settings, **known}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.remote", description=__doc__)
    parser.add_argument("--group", required=True, help="the app's resource group")
    parser.add_argument("--app", required=True, help="the function app's name")
    parser.add_argument("command", choices=COMMANDS, help="what to run")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what it is told, as in --apply")
    arguments = parser.parse_args()
    try:
        settings = resolved(settings_of(arguments.group, arguments.app), os.environ, arguments.command)
    except RemoteError as error:
        sys.stderr.write(f"{error}\n")
        return _FAILED
    # AZURE_CLIENT_ID names the app's identity, which nobody has here: the CLI's sign-in takes its place.
    environment = {"AZURE_TOKEN_CREDENTIALS": "AzureCliCredential", **os.environ, **settings}
    command = [sys.executable, "-m", arguments.command, *arguments.arguments]
    return subprocess.run(command, check=False, env=environment).returncode  # noqa: S603 - one of ours, and no shell


if __name__ == "__main__":
    sys.exit(main())
