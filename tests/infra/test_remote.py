"""A command that runs against a deployed app must see that app's settings, and nothing else that someone put there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.package import CHECKOUT
from infra.remote import COMMANDS, RemoteError, own_settings, resolved
from shared.settings.settings import is_reference

LEADS_ASTRAY = (
    *("AZURE_AUTHORITY_HOST", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_TENANT_ID", "AZURE_TOKEN_CREDENTIALS"),
    *("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "PYTHONPATH", "PYTHONSTARTUP", "AZURE_CONFIG_DIR"),
)


def test_only_settings_of_callvault_are_read_in_any_casing():
    listed = [
        {"name": "ACS_ENDPOINT", "value": "https://contoso.communication.azure.com"},
        {"name": "AzureWebJobsStorage__blobServiceUri", "value": "https://x.blob.core.windows.net"},
        {"name": "retention_hours", "value": "48"},
        {"name": "RETENTION_HOUR", "value": "a slip that the doctor tells of"},
        {"name": "AzureWebJobs.sweep.Disabled", "value": "true"},
        {"name": "LD_PRELOAD", "value": "/evil.so"},
        {"name": "PATH", "value": "/evil"},
        {"name": "APPLICATIONINSIGHTS_CONNECTION_STRING", "value": "InstrumentationKey=0"},
        # What would lead the operator's tokens elsewhere, or make a library trust another host.
        *({"name": name, "value": "https://attacker.example"} for name in LEADS_ASTRAY),
    ]
    assert set(own_settings(listed)) == {one["name"] for one in listed[:5]}
    with pytest.raises(RemoteError):
        own_settings({"error": "no"})


def run(tmp_path: Path, az: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, with a stand-in for az that returns the given answers."""
    (tmp_path / "az").write_text(f"#!/bin/sh\n{az}\n")
    (tmp_path / "az").chmod(0o755)
    command = [sys.executable, "-m", "infra.remote", "--group", "rg", "--app", "func-x", *arguments]
    environment = {"PATH": f"{tmp_path}:{os.defpath}"}
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


def test_the_command_runs_with_the_app_s_settings_and_its_exit_code_is_passed_on(tmp_path: Path):
    # Half of what Callvault needs: the command itself must say what is missing, and hold what was given.
    listed = json.dumps([{"name": "RETENTION_HOURS", "value": "forever"}])
    done = run(tmp_path, f"echo '{listed}'", "shared.rebuild")
    assert done.returncode == 1
    assert "RETENTION_HOURS: must be hours" in done.stderr


DEPLOYED = {
    "ACS_ENDPOINT": "https://contoso.communication.azure.com",
    "AzureWebJobsStorage__accountName": "contoso",
    "ANNOUNCE_TOPIC_ENDPOINT": "https://news.westeurope-1.eventgrid.azure.net/api/events",
}
# Lists the settings when it is asked for them, and leaves a file when it is asked for anything else, as a token is.
AZ = """case "$*" in *appsettings*) cat settings.json ;; *) echo "$*" >>asked ;; esac"""


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        *((command, "ACS_ENDPOINT", "https://x.communication.azure.com.attacker.example") for command in COMMANDS),
        ("shared.doctor", "AzureWebJobsStorage__accountName", "attacker.example/"),
        ("shared.doctor", "AzureWebJobsStorage__queueServiceUri", "https://attacker.example"),
        ("shared.doctor", "ARCHIVE_STORAGE__accountName", "attacker.example#"),
        ("shared.doctor", "ARCHIVE_STORAGE__blobServiceUri", "https://contoso.blob.core.windows.net@attacker.example"),
        ("shared.doctor", "ANNOUNCE_TOPIC_ENDPOINT", "https://attacker.example/api/events"),
        ("shared.doctor", "ACS_LOCAL_GATEWAY", "127.0.0.1:8443"),
    ],
)
def test_a_setting_that_names_a_foreign_host_gets_no_token_of_the_operator(
    tmp_path: Path, command: str, name: str, value: str
):
    listed = [{"name": name, "value": value} for name, value in (DEPLOYED | {name: value}).items()]
    (tmp_path / "settings.json").write_text(json.dumps(listed))
    done = run(tmp_path, f"cd {tmp_path}\n{AZ}", command)
    assert done.returncode in {1, 2}
    assert name in done.stdout + done.stderr
    assert value not in done.stdout + done.stderr
    assert not (tmp_path / "asked").exists(), "az was asked for more than the settings"


def test_no_command_uses_the_text_of_a_key_vault_reference_as_a_secret():
    name = "PARTICIPANTS_SECRET"
    given = {name: "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/p)", "RETENTION_HOURS": "24"}
    with pytest.raises(RemoteError, match="PARTICIPANTS_SECRET: the app reads it from a Key Vault"):
        resolved(given, {}, "shared.rebuild")
    assert resolved(given, {name: "sixteen letters."}, "shared.rebuild") == given | {name: "sixteen letters."}
    for command in COMMANDS:
        if command != "shared.doctor":
            with pytest.raises(RemoteError, match=name):
                resolved(given, {}, command)
    stood_in = resolved(given, {"RETENTION_HOURS": "48"}, "shared.doctor")
    assert stood_in["RETENTION_HOURS"] == "24"
    assert len(stood_in[name]) >= 32, "the doctor looks whether it is set, and uses it for nothing"
    assert not is_reference(stood_in[name])
    with pytest.raises(RemoteError, match="ACS_CONNECTION_STRING"):
        resolved({"ACS_CONNECTION_STRING": given[name]}, {}, "shared.doctor")


def test_arguments_reach_the_command(tmp_path: Path):
    assert "--apply" in run(tmp_path, "echo '[]'", "shared.rebuild", "--help").stdout


def test_without_az_or_its_sign_in_the_error_names_the_fix(tmp_path: Path):
    done = run(tmp_path, "echo 'run az login' >&2; exit 1", "shared.rebuild")
    assert done.returncode == 2
    assert "run az login" in done.stderr
    assert "can't read the settings of func-x in rg" in done.stderr
    assert "Traceback" not in done.stderr


def test_only_callvault_s_commands_can_be_run(tmp_path: Path):
    assert run(tmp_path, "echo '[]'", "http.server").returncode == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_that_it_offers_is_there(command: str):
    program = CHECKOUT / f"{command.replace('.', '/')}.py"
    assert '__name__ == "__main__"' in program.read_text()
