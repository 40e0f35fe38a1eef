"""Runs a Callvault command here against a deployed app: `python -m infra.remote --group G --app A shared.doctor`.

The command gets the app's Callvault settings, read from Azure, and no other variables of the app. It signs in as the
user of the Azure CLI, never as the app. No setting's value is printed. Anyone who can write the app's settings could
choose the hosts that receive this user's tokens, so the command's settings refuse hosts other than Azure's
(shared.settings.token_hosts), and this module refuses settings for a simulator.
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
# Timeout of listing the settings, for which az sends one request.
_PATIENCE_SECONDS = 120
_FAILED = 2
_SIMULATOR = frozenset({"ACS_LOCAL_GATEWAY", "ACS_LOCAL_CA"})
# The doctor checks whether these are set, but doesn't use their values.
_REPLACED_FOR_DOCTOR = frozenset({"PARTICIPANTS_SECRET", "CALLBACK_SECRET"})


class RemoteError(Exception):
    """The app's settings can't be read; the message contains the fix."""


def own_settings(listed: object) -> dict[str, str]:
    """The listed settings that Callvault or its doctor reads. Others, such as PATH or LD_PRELOAD, are ignored."""
    if not isinstance(listed, list):
        raise RemoteError("az returned no list of settings")
    given = {str(item["name"]): str(item["value"]) for item in listed}
    if simulator := sorted(name for name in given if name.upper() in _SIMULATOR):
        names = ", ".join(simulator)
        raise RemoteError(f"{names}: is for the local simulator only; remove it from the deployed app's settings")
    return {name: value for name, value in given.items() if concerns(name)}


def settings_of(group: str, app: str) -> dict[str, str]:
    az = shutil.which("az")
    if az is None:
        raise RemoteError("the Azure CLI (az) isn't installed")
    command = [az, "functionapp", "config", "appsettings", "list", "--resource-group", group, "--name", app]
    try:
        done = subprocess.run(  # noqa: S603 - no shell; az prints its errors to stderr
            [*command, "--output", "json"], check=True, stdout=subprocess.PIPE, timeout=_PATIENCE_SECONDS
        )
        return own_settings(json.loads(done.stdout))
    except (subprocess.SubprocessError, ValueError) as error:
        raise RemoteError(
            f"can't read the settings of {app} in {group}: see az's message above. Check both names, or sign in with "
            "az login"
        ) from error


def resolved(settings: Mapping[str, str], here: Mapping[str, str], command: str) -> dict[str, str]:
    """Replaces Key Vault references, which only the app can resolve, by values from this environment.

    For the doctor, a random text replaces each secret that it doesn't use, so a deployer needs no access to them.
    Raises RemoteError for any other reference that isn't set here, because its text must never be used as a value.
    """
    referring = {name for name, value in settings.items() if is_reference(value)}
    known = {name: here[name] for name in referring & here.keys()}
    if command == "shared.doctor":
        known = {name: secrets.token_urlsafe(32) for name in referring & _REPLACED_FOR_DOCTOR} | known
    unknown = sorted(referring - known.keys())
    if unknown:
        names = ", ".join(unknown)
        raise RemoteError(
            f"{names}: the app reads it from a Key Vault; set it in this shell's environment. "
            "docs/deploy.md#commands-against-a-deployed-app has the commands"
        )
    return {**settings, **known}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.remote", description=__doc__)
    parser.add_argument("--group", required=True, help="the app's resource group")
    parser.add_argument("--app", required=True, help="the function app's name")
    parser.add_argument("command", choices=COMMANDS, help="the command to run")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="arguments of the command, such as --apply")
    arguments = parser.parse_args()
    try:
        settings = resolved(settings_of(arguments.group, arguments.app), os.environ, arguments.command)
    except RemoteError as error:
        sys.stderr.write(f"{error}\n")
        return _FAILED
    # AZURE_CLIENT_ID names the app's identity, which isn't available here: the Azure CLI's sign-in is used instead.
    environment = {"AZURE_TOKEN_CREDENTIALS": "AzureCliCredential", **os.environ, **settings}
    command = [sys.executable, "-m", arguments.command, *arguments.arguments]
    return subprocess.run(command, check=False, env=environment).returncode  # noqa: S603 - a command of Callvault, without a shell


if __name__ == "__main__":
    sys.exit(main())
