"""The doctor's findings about the settings alone: wrong advice is worse than none."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.errors import SettingsError
from shared.operations.doctor.command import main
from shared.operations.doctor.configuration import invalid_settings, settings_findings
from shared.operations.doctor.findings import Finding, Level, as_json, as_text, has_failed, ok
from shared.settings.settings import load_settings

BY_IDENTITY = {"acs_endpoint": "https://contoso.communication.azure.com", "AzureWebJobsStorage__accountName": "contoso"}
WHOLE = {
    "participants_secret": "sixteen or more characters",
    "callback_url": "https://contoso.azurewebsites.net/api/callbacks",
    "callback_secret": "a secret of thirty-two letters, or more",
    "callback_audience": "2dee53b4-368b-45b4-ab52-8493fb117652",
}


def advice(environment: dict[str, str] | None = None, **changed: Any) -> dict[str, Level]:
    settings = load_settings(**{**BY_IDENTITY, **WHOLE, **changed})
    return {one.check: one.level for one in settings_findings(settings, environment or {}) if one.level is not Level.OK}


def test_recommended_settings_have_no_findings():
    assert advice() == {}


@pytest.mark.parametrize(
    ("changed", "check", "level"),
    [
        ({"retention_hours": 48}, "setting RETENTION_HOURS", Level.WARNING),
        ({"delete_source": False}, "setting DELETE_SOURCE", Level.NOTE),
        ({"participants_secret": None}, "setting PARTICIPANTS_SECRET", Level.WARNING),
        ({"callback_audience": None}, "setting CALLBACK_AUDIENCE", Level.FAILURE),
        ({"callback_secret": None}, "setting CALLBACK_SECRET", Level.FAILURE),
        ({"callback_audience": None, "callback_url": None}, "setting CALLBACK_AUDIENCE", Level.NOTE),
        ({"callback_url": "https://contoso.azurewebsites.net/callbacks"}, "setting CALLBACK_URL", Level.WARNING),
        (
            {"announce_topic_endpoint": "https://news.westeurope-1.eventgrid.azure.net/api/events"},
            "announcements",
            Level.NOTE,
        ),
        ({"AzureWebJobsStorage": "UseDevelopmentStorage=true"}, "credentials", Level.NOTE),
    ],
)
def test_a_risky_setting_is_reported(changed: dict[str, Any], check: str, level: Level):
    assert advice(**changed) == {check: level}


@pytest.mark.parametrize("name", ["WEBSITE_AUTH_ENABLED", "website_auth_enabled"])
def test_only_the_platform_may_set_the_variable_that_turns_sign_in_on(name: str):
    assert advice({name: "True"}) == {"setting WEBSITE_AUTH_ENABLED": Level.FAILURE}
    assert "setting WEBSITE_AUTH_ENABLED" not in advice({name: "True", "WEBSITE_SITE_NAME": "func-callvault"})
    assert advice(sign_in_replaces_key=True, callback_url=None)["sign-in"] is Level.NOTE


@pytest.mark.parametrize(("setting", "value"), [("REQUIRE_CONSENT", True), ("AUTO_RECORD", '{"on": ["CallStarted"]}')])
def test_settings_that_need_callbacks_are_reported_without_them(setting: str, value: object):
    without = {"callback_url": None, "callback_audience": None}
    assert advice(**{setting.lower(): value}) == {}
    assert advice(**{setting.lower(): value}, **without)[f"setting {setting}"] is Level.WARNING
    assert f"setting {setting}" not in advice(**without)


@pytest.mark.parametrize(
    ("name", "value", "check", "level"),
    [
        ("RETENTION_HOUR", "24", "setting RETENTION_HOUR", Level.WARNING),
        ("ARCHIVE_STORAGE_ACCOUNT", "a", "setting ARCHIVE_STORAGE_ACCOUNT", Level.WARNING),
        ("AzureWebJobs.sweep.Disabled", "true", "function sweep", Level.FAILURE),
        ("FUNCTIONS_WORKER_RUNTIME", "node", "setting FUNCTIONS_WORKER_RUNTIME", Level.FAILURE),
        (
            "AzureFunctionsJobHost__extensions__queues__messageEncoding",
            "base64",
            "setting AzureFunctionsJobHost__extensions__queues__messageEncoding",
            Level.WARNING,
        ),
        ("WEBSITE_SITE_NAME", "func", "setting APPLICATIONINSIGHTS_CONNECTION_STRING", Level.WARNING),
    ],
)
def test_settings_that_the_host_silently_ignores_are_reported(name: str, value: str, check: str, level: Level):
    assert advice({name: value}) == {check: level}


@pytest.mark.parametrize(
    "name",
    ["retention_hours", "AzureWebJobsStorage__credential", "ARCHIVE_STORAGE__tenantId", "AZURE_TENANT_ID", "HOME"],
)
def test_correct_and_unrelated_names_are_not_reported(name: str):
    assert advice({name: "1"}) == {}


def test_each_invalid_setting_is_reported_with_its_fix_but_without_its_value():
    with pytest.raises(SettingsError) as raised:
        load_settings(**BY_IDENTITY, retention_hours="soon", chunks_queue="Nope!")
    found = invalid_settings(raised.value, {})
    assert [(one.check, one.level) for one in found] == [
        ("setting RETENTION_HOURS", Level.FAILURE),
        ("setting CHUNKS_QUEUE", Level.FAILURE),
        ("access", Level.NOTE),
    ]
    assert "soon" not in as_text(found)
    assert "Nope!" not in as_text(found)


def test_a_misspelt_name_is_reported_beside_the_missing_setting():
    with pytest.raises(SettingsError) as raised:
        load_settings(AzureWebJobsStorage__accountName="contoso")
    found = invalid_settings(raised.value, {"ACS_ENDPONT": "https://contoso.communication.azure.com"})
    assert [(one.check, one.fix) for one in found if one.level is Level.WARNING] == [
        ("setting ACS_ENDPONT", "rename it to ACS_ENDPOINT")
    ]


def test_findings_are_printed_as_text_and_as_json():
    findings = [
        ok("ACS", "answers"),
        Finding(check="clock", level=Level.WARNING, detail="is 70 s off", fix="synchronize it"),
        Finding(check="queue jobs", level=Level.FAILURE, detail="is missing", fix="create it"),
    ]
    assert as_text(findings) == (
        "✓ ACS: answers\n! clock: is 70 s off\n    fix: synchronize it\n✗ queue jobs: is missing\n    fix: create it\n"
        "failures: 1, warnings: 1, checks: 3\n"
    )
    printed = json.loads(as_json(findings))
    assert (printed["healthy"], printed["findings"][2]["fix"]) == (False, "create it"), "programs read this name"
    assert has_failed(findings)
    assert not has_failed(findings[:2])


def command(monkeypatch: pytest.MonkeyPatch, file: Path, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["doctor", "--settings", str(file), *arguments])
    return main()


def test_a_settings_file_overrides_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    for name in ("RETENTION_HOURS", "CALLBACK_AUDIENCE", "AZURE_FUNCTIONS_ENVIRONMENT"):
        monkeypatch.setenv(name, "24")  # restores the variables that the file sets when the test ends
    file = tmp_path / "local.settings.json"
    values = {"RETENTION_HOURS": "soon", "CALLBACK_AUDIENCE": "mine"}
    file.write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    assert command(monkeypatch, file) == 1
    printed = capsys.readouterr().out
    assert "✗ setting RETENTION_HOURS: is missing or invalid\n    fix: must be hours" in printed
    assert "✗ setting CALLBACK_AUDIENCE: is missing or invalid" in printed
    assert command(monkeypatch, file, "--json") == 1
    assert json.loads(capsys.readouterr().out)["healthy"] is False


@pytest.mark.parametrize("contents", [None, "no", "{}", "[]", '{"Values": {"A": 1}}'])
def test_a_missing_or_invalid_settings_file_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], contents: str | None
):
    file = tmp_path / "local.settings.json"
    if contents is not None:
        file.write_text(contents)
    monkeypatch.setenv("AZURE_FUNCTIONS_ENVIRONMENT", "Production")
    assert command(monkeypatch, file) == 2
    assert file.name in capsys.readouterr().err


@pytest.mark.parametrize(("level", "records"), [(Level.OK, True), (Level.FAILURE, False)])
def test_a_call_is_recorded_only_if_no_check_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], level: Level, records: bool
):
    async def examine(*_: object) -> list[Finding]:
        return [Finding(check="ACS", level=level, detail="was tried", fix="none")]

    async def record(call: str, _: object, report: Callable[[str], None]) -> list[Finding]:
        report("a step")
        return [ok("test recording", f"of {call}")]

    monkeypatch.setattr("shared.operations.doctor.command.examine", examine)
    monkeypatch.setattr("shared.operations.doctor.command.record", record)
    monkeypatch.setattr(sys, "argv", ["doctor", "--record", "call-1"])
    assert main() == (0 if records else 1)
    said = capsys.readouterr()
    assert ("test recording: of call-1" in said.out, said.err == "a step\n") == (records, records)
