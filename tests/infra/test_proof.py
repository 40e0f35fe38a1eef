"""The proof at the end of a deployment: what it accepts, and what it names if a deployed app sends nothing."""

import json
import os
import sys
from http import HTTPStatus
from pathlib import Path

import pytest

from infra import proof

CLIENT = "33333333-3333-3333-3333-333333333333"
SETTINGS = {
    "AZURE_CLIENT_ID": CLIENT,
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=0",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": f"ClientId={CLIENT};Authorization=AAD",
}
PUBLISHER = "3913510d-42f4-4e42-8a64-420c390055eb"
# Answers from files, and records what was asked for.
AZ = """#!/bin/sh
echo "$*" >>asked
case "$*" in
  rest*"startswith 'sweep finished'"*) cat sweeps.json ;;
  rest*) cat lines.json ;;
  *appsettings*) cat settings.json ;;
  'functionapp show'*) cat site.json ;;
  'role assignment'*) cat roles.json ;;
esac
"""


class Azure:
    """What the stand-in for az answers, by default for an app that works."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "az").write_text(AZ.replace("#!/bin/sh\n", f"#!/bin/sh\ncd {folder}\n"))
        (folder / "az").chmod(0o755)
        self.counts(sweeps=1, lines=1)
        self.settings(**SETTINGS)
        self.site("Running")
        self.write("roles", [f"/subscriptions/1/providers/Microsoft.Authorization/roleDefinitions/{PUBLISHER}"])

    def write(self, name: str, content: object) -> None:
        (self._folder / f"{name}.json").write_text(json.dumps(content))

    def remove(self, name: str) -> None:
        """The request for it is refused from now on."""
        (self._folder / f"{name}.json").unlink()

    def counts(self, **counts: int) -> None:
        for name, count in counts.items():
            self.write(name, {"tables": [{"name": "PrimaryResult", "rows": [[count]]}]})

    def settings(self, **settings: str) -> None:
        self.write("settings", [{"name": name, "value": value} for name, value in settings.items()])

    def site(self, state: str, *, nested: bool = False) -> None:
        """As the CLI shows a site; some versions nest its properties."""
        properties = {"state": state, "defaultHostName": "func-x.azurewebsites.net"}
        identity = {"userAssignedIdentities": {"/id": {"principalId": "p", "clientId": CLIENT}}}
        self.write("site", {"identity": identity, **({"properties": properties} if nested else properties)})

    def asked(self) -> str:
        return (self._folder / "asked").read_text()


class Address:
    """The deployed app's address, which answers each request with this status."""

    answer = HTTPStatus.UNAUTHORIZED

    def __init__(self, _http: object, origin: str) -> None:
        assert origin == "https://func-x.azurewebsites.net"

    async def status(self, _headers: dict[str, str]) -> int:
        return self.answer


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Azure:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    monkeypatch.setattr(proof, "OwnAddress", Address)
    options = ("--group", "rg", "--app", "func-x", "--workspace", "w", "--minutes", "0")
    monkeypatch.setattr(sys, "argv", ["proof", *options])
    return Azure(tmp_path)


@pytest.mark.parametrize("nested", [False, True])
def test_a_line_of_the_sweep_and_two_refusals_are_the_proof(
    azure: Azure, capsys: pytest.CaptureFixture[str], nested: bool
):
    azure.site("Running", nested=nested)
    assert proof.main() == 0
    assert "Requests without a credential are refused" in capsys.readouterr().out
    assert "https://api.loganalytics.io/v1/workspaces/w/query" in azure.asked()


def test_an_app_that_answers_without_a_credential_is_no_proof(
    azure: Azure, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    assert azure
    monkeypatch.setattr(Address, "answer", HTTPStatus.OK)
    assert proof.main() == 1
    said = capsys.readouterr().err
    assert "a request without sign-in is answered with 200, not 401" in said
    assert "forged X-MS-CLIENT-PRINCIPAL headers is answered with 200" in said


def test_nothing_arrived_and_nothing_is_wrong_points_to_the_app(azure: Azure, capsys: pytest.CaptureFixture[str]):
    azure.counts(sweeps=0, lines=0)
    assert proof.main() == 1
    assert "the app sends nothing" in capsys.readouterr().err


def test_each_cause_is_named(azure: Azure, capsys: pytest.CaptureFixture[str]):
    def said() -> list[str]:
        assert proof.main() == 1
        first, *reasons = capsys.readouterr().err.splitlines()
        assert first == "no line 'sweep finished' arrived in 0 minutes"
        return reasons

    azure.counts(sweeps=0, lines=0)
    azure.site("Stopped")
    (reason,) = said()
    assert reason.startswith("the app is Stopped")
    azure.site("Running")
    azure.settings(**{**SETTINGS, "APPLICATIONINSIGHTS_CONNECTION_STRING": ""})
    (reason,) = said()
    assert reason.startswith("telemetry: the setting APPLICATIONINSIGHTS_CONNECTION_STRING is missing")
    azure.settings(**{**SETTINGS, "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "Authorization=AAD"})
    (reason,) = said()
    assert reason.startswith("authentication string:")
    azure.settings(**SETTINGS)
    azure.write("roles", [])
    (reason,) = said()
    assert "no role Monitoring Metrics Publisher" in reason
    azure.remove("roles")
    (reason,) = said()
    assert reason.startswith("role: not checked"), "a deployer with rights on the group only can't list them"
    azure.counts(lines=5)
    assert said()[1].startswith("telemetry arrives, but no sweep finishes")


def test_a_refused_request_of_az_ends_the_wait(azure: Azure, capsys: pytest.CaptureFixture[str]):
    azure.write("sweeps", None)
    (Path(os.environ["PATH"].partition(":")[0]) / "az").write_text("#!/bin/sh\nexit 1\n")
    assert proof.main() == 1
    assert "az rest --method post failed" in capsys.readouterr().err
