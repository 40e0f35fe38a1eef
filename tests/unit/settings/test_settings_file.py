"""The option --settings of the commands: without it, an operator must export each setting by hand."""

import json
import os
import sys
from pathlib import Path

import pytest

from shared import deadletters
from shared.recovery import rebuild
from shared.settings.settings_file import UnusableSettingsFile, use_settings_file


def test_the_file_s_values_override_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in ("RETENTION_HOURS", "AZURE_FUNCTIONS_ENVIRONMENT"):
        monkeypatch.setenv(name, "24")
    file = tmp_path / "local.settings.json"
    file.write_text(json.dumps({"IsEncrypted": False, "Values": {"RETENTION_HOURS": "12"}}))
    use_settings_file(file)
    assert (os.environ["RETENTION_HOURS"], os.environ["AZURE_FUNCTIONS_ENVIRONMENT"]) == ("12", "Development")
    use_settings_file(None)


@pytest.mark.parametrize("contents", [None, "no", "[]", '{"Values": {"A": 1}}'])
def test_an_unusable_file_is_named(tmp_path: Path, contents: str | None):
    file = tmp_path / "mine.json"
    if contents is not None:
        file.write_text(contents)
    with pytest.raises(UnusableSettingsFile, match=r"mine\.json"):
        use_settings_file(file)


@pytest.mark.parametrize("main", [deadletters.main, rebuild.main])
def test_a_command_reads_the_file_and_reports_an_invalid_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], main: object
):
    for name in ("RETENTION_HOURS", "AZURE_FUNCTIONS_ENVIRONMENT"):
        monkeypatch.setenv(name, "24")
    assert callable(main)
    file = tmp_path / "local.settings.json"
    monkeypatch.setattr(sys, "argv", ["command", "--settings", str(file)])
    assert main() == 1
    assert "local.settings.json not found" in capsys.readouterr().err
    file.write_text(json.dumps({"Values": {"RETENTION_HOURS": "soon"}}))
    assert main() == 1
    assert "RETENTION_HOURS: must be hours" in capsys.readouterr().err
