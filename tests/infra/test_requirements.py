"""Every package is pinned by version and hash, and no other package is installed."""

import re
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.package import CHECKOUT, install

LOCKED = ("requirements", "requirements-dev", "infra/checkov", "infra/audit")
OPTIONS = ("--only-binary :all:", "-r requirements.in", "-c requirements.txt")


@dataclass(frozen=True)
class Pin:
    version: str
    hashes: frozenset[str]


def lines(file: Path) -> list[str]:
    """The file's entries, each in one line, without comments."""
    text = re.sub(r"^ *#.*$|\\\n", "", file.read_text(), flags=re.MULTILINE)
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def wanted(name: str) -> list[Requirement]:
    return [Requirement(line) for line in lines(CHECKOUT / f"{name}.in") if line not in OPTIONS]


def locked(name: str) -> dict[str, Pin]:
    """Each entry by its name. An entry that isn't exact, has no hash, or leads elsewhere fails here."""
    found = {}
    for line in lines(CHECKOUT / f"{name}.txt"):
        if line == OPTIONS[0]:
            continue
        entry = re.fullmatch(r"([a-z0-9.-]+)==(\S+)(?: ; [^-]+?)?((?: --hash=sha256:[0-9a-f]{64})+)", line)
        assert entry is not None, line[:100]
        package, version, hashes = entry.groups()
        assert package not in found
        found[package] = Pin(version, frozenset(hashes.split()))
    return found


@pytest.mark.parametrize("name", LOCKED)
def test_every_package_is_exact_has_hashes_and_is_a_wheel(name: str):
    assert locked(name)
    for suffix in ("in", "txt"):
        assert lines(CHECKOUT / f"{name}.{suffix}").count("--only-binary :all:") == 1


@pytest.mark.parametrize("name", LOCKED)
def test_what_is_asked_for_is_locked_in_that_version(name: str):
    pins = locked(name)
    for requirement in wanted(name):
        assert str(requirement.specifier) == f"=={pins[canonicalize_name(requirement.name)].version}"


def test_development_has_the_packages_that_are_deployed():
    deployed, development = locked("requirements"), locked("requirements-dev")
    assert {name: development.get(name) for name in deployed} == deployed


def test_the_run_time_lock_has_all_that_its_packages_need_and_nothing_more():
    needed: set[str] = set()
    waiting = [(requirement, frozenset(requirement.extras)) for requirement in wanted("requirements")]
    while waiting:
        requirement, extras = waiting.pop()
        name = canonicalize_name(requirement.name)
        needed.add(name)
        for text in metadata.requires(name) or ():
            inner = Requirement(text)
            applies = inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in extras | {""})
            if applies and not (canonicalize_name(inner.name) in needed and not inner.extras):
                waiting.append((inner, frozenset(inner.extras)))
    assert set(locked("requirements")) == needed


@pytest.mark.parametrize(
    ("hash_option", "said"), [(f" --hash=sha256:{'0' * 64}", "DO NOT MATCH THE HASHES"), ("", "Hashes are required")]
)
def test_a_package_whose_file_is_another_is_not_installed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], hash_option: str, said: str
):
    changed = tmp_path / "requirements.txt"
    changed.write_text(f"idna=={locked('requirements')['idna'].version}{hash_option}\n")
    with pytest.raises(subprocess.CalledProcessError):
        install(tmp_path / "installed", requirements=changed)
    assert said in capfd.readouterr().err
    assert not list((tmp_path / "installed").glob("*"))


def test_no_package_s_script_runs_while_node_packages_are_installed():
    for folder in ("local", "bench"):
        assert "ignore-scripts=true" in (CHECKOUT / folder / ".npmrc").read_text().splitlines()
