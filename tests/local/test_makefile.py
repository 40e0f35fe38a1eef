"""What `make` prints, and what it installs before it does something."""

import os
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
COUNT = CHECKOUT / "local" / "count-packages.sh"


def make(*arguments: str) -> str:
    # Without the variables that a make which runs these tests has set.
    environment = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=True).stdout


def test_the_help_is_aligned_and_fits_into_80_columns():
    usage, *lines = make("help").splitlines()
    assert usage == "Usage: make TARGET"
    targets = [line for line in lines if line.startswith("  make ")]
    assert any("make simulate" in line for line in targets)
    assert any("make infra-snapshots" in line for line in targets)
    column = 24
    for line in lines[:-2]:
        assert line[column - 1] == " "
        assert line[column] != " "
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        ("", True),
        ("-k chunk", True),
        ("tests/", True),
        ("tests/infra/test_compiler.py", True),
        ("tests/unit tests/infra", True),
        ("tests/unit/test_links.py", False),
        ("tests/local -k make", False),
    ],
)
def test_checkov_is_installed_only_for_tests_that_need_it(tmp_path: Path, arguments: str, needed: bool):
    stamps = {name: tmp_path / name for name in ("VENV_STAMP", "NODE_STAMP")}
    for stamp in stamps.values():
        stamp.touch()
    given = [f"{name}={path}" for name, path in stamps.items()]
    planned = make("--dry-run", "test", f"ARGS={arguments}", f"CHECKOV_STAMP={tmp_path}/checkov", *given)
    assert ("Installing checkov" in planned) == needed
    assert f"--no-loadscope-reorder {arguments}".strip() in planned


def test_doctor_asks_for_the_local_stack_unless_it_checks_something_else():
    def doctor(*arguments: str) -> str:
        return make("--dry-run", "doctor", *arguments)

    assert "-m local.stack running && .venv/bin/python -m shared.doctor" in doctor()
    assert "local.stack running" not in doctor("SETTINGS=other.json")
    assert "local.stack running" not in doctor("SETTINGS=")


def counted(lock: Path, script: str) -> subprocess.CompletedProcess[str]:
    command = [str(COUNT), "Installing", str(lock), "sh", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_an_installation_shows_its_progress(tmp_path: Path):
    lock = tmp_path / "requirements.txt"
    lock.write_text("# a comment with ==\none==1 \\\n    --hash=sha256:0\ntwo==2 \\\n    --hash=sha256:1\n")
    done = counted(lock, "echo Collecting one==1; echo noise; echo Collecting two==2; echo Installing collected …")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [f"Installing … {step}" for step in ("0 of 2", "1 of 2", "2 of 2", "unpacking")]
    lock = tmp_path / "package-lock.json"
    lock.write_text('{"a": {"integrity": "sha512-"}}\n')
    done = counted(lock, "echo npm http cache https://registry.npmjs.org/a/-/a-1.0.0.tgz 1ms >&2")
    assert done.stdout.splitlines() == ["Installing … 0 of 1", "Installing … 1 of 1"]


def test_a_failed_installation_fails_and_shows_why(tmp_path: Path):
    lock = tmp_path / "requirements.txt"
    lock.write_text("one==1\n")
    done = counted(lock, "echo Collecting one==1; echo the hash differs >&2; exit 3")
    assert done.returncode == 3
    assert "the hash differs" in done.stderr
