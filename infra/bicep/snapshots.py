"""The snapshots of the scenarios, and the ARM template azuredeploy.json: what the compiler makes of the templates.

Both are committed. `write` writes them; `differences` compares them with what the compiler says now; `outdated` needs
no compiler and compares the digest that each file has with the current templates.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from infra.bicep.compiler import BicepError, Compiler

_LOADED = frozenset({".bicep", ".kql", ".json"})
_DIGEST = "templates"


def scenarios(folder: Path) -> list[Path]:
    return sorted((folder / "scenarios").glob("*.bicepparam"))


def snapshot_of(scenario: Path) -> Path:
    return scenario.with_suffix(".snapshot.json")


def digest(folder: Path, *further: Path) -> str:
    """A digest of all templates and of the files that they load, and of further files."""
    files = {file for file in _inputs(folder) if file.suffix in _LOADED}
    total = hashlib.sha256()
    for file in (*sorted(files), *further):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        total.update(f"{file.relative_to(folder).as_posix()} {content}\n".encode())
    return total.hexdigest()


def write(folder: Path, compiler: Compiler) -> int:
    """Writes every file, and removes snapshots whose scenario is gone. Returns the number of scenarios."""
    for file, content in _made(folder, compiler):
        file.write_text(content, encoding="utf-8")
    for file in _left_over(folder):
        file.unlink()
    return len(scenarios(folder))


def differences(folder: Path, compiler: Compiler) -> Iterator[str]:
    """The files that aren't what the compiler makes of the current templates."""
    for file, content in _made(folder, compiler):
        if not file.is_file() or file.read_text(encoding="utf-8") != content:
            yield f"{file.relative_to(folder)} is outdated: run make infra-snapshots and check what has changed"
    yield from (f"{file.relative_to(folder)} has no scenario" for file in _left_over(folder))


def outdated(folder: Path) -> Iterator[str]:
    """The files whose digest isn't that of the current templates. Needs no compiler."""
    expected = {snapshot_of(one): digest(folder, one) for one in scenarios(folder)}
    expected[folder / "azuredeploy.json"] = digest(folder)
    for file, of in expected.items():
        found = _digest_in(file) if file.is_file() else ""
        if found != of:
            yield f"{file.relative_to(folder)} is outdated: run make infra-snapshots"
    yield from (f"{file.relative_to(folder)} has no scenario" for file in _left_over(folder))


def _inputs(folder: Path) -> Iterable[Path]:
    for place in (folder, folder / "modules", folder / "queries", folder / "logicapp"):
        yield from (file for file in place.glob("*.*") if file.name != "azuredeploy.json")


def _made(folder: Path, compiler: Compiler) -> Iterator[tuple[Path, str]]:
    template = compiler.compile(folder / "main.bicep")
    template = {**_without_version(template), "metadata": {_DIGEST: digest(folder)}}
    yield folder / "azuredeploy.json", _text(template)
    for scenario in scenarios(folder):
        try:
            found = compiler.snapshot(scenario)
        except BicepError as error:
            raise BicepError(f"{scenario.name}: {error}") from error
        # The compiler writes the outputs in a different order each time.
        found["outputs"] = dict(sorted(found["outputs"].items()))
        yield snapshot_of(scenario), _text({_DIGEST: digest(folder, scenario), **found})


def _without_version(part: Any) -> Any:
    """A part of a template without the compiler's version, so that another version may write the same."""
    match part:
        case dict():
            return {name: _without_version(one) for name, one in part.items() if name != "_generator"}
        case list():
            return [_without_version(one) for one in part]
    return part


def _left_over(folder: Path) -> set[Path]:
    return {*(folder / "scenarios").glob("*.snapshot.json")} - set(map(snapshot_of, scenarios(folder)))


def _digest_in(file: Path) -> Any:
    content = json.loads(file.read_text(encoding="utf-8"))
    return content.get(_DIGEST) or content.get("metadata", {}).get(_DIGEST)


def _text(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
