"""`python -m infra.bicep COMMAND`.

check      checks the templates; exits with 1 if there are findings
format     writes the templates and scenarios in the compiler's format
snapshots  writes what each scenario deploys, and azuredeploy.json
outdated   lists resource types with newer API versions
left-out   says in one line what the tests leave out on this machine
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from infra.bicep import scan, snapshots
from infra.bicep.compiler import MISSING, BicepError, Compiler, environment, find

_INFRA = Path(__file__).parents[1]
_CHECKOV = _INFRA.parent / ".checkov"


def _sources() -> list[Path]:
    """The files that the compiler checks and formats."""
    return sorted([*_INFRA.rglob("*.bicep"), *_INFRA.rglob("*.bicepparam")])


def _compiler() -> Compiler:
    command = find()
    if command is None:
        raise BicepError(MISSING)
    return Compiler(command)


def _findings() -> Iterator[str]:
    installed = find() is not None
    if not installed and os.environ.get("CI") == "true":
        raise BicepError(MISSING)
    yield from snapshots.outdated(_INFRA)
    yield from scan.findings_since(_CHECKOV / "found-nothing", _INFRA / "azuredeploy.json", _CHECKOV / "bin/python")
    if not installed:
        sys.stdout.write(f"Not checked with the compiler: {MISSING}\n")
        return
    with _compiler() as compiler:
        for file in _sources():
            if "scenarios" not in file.parts:  # their snapshots below compile them
                yield from compiler.findings(file)
            if compiler.formatted(file) != file.read_text(encoding="utf-8"):
                yield f"{file.relative_to(_INFRA)} isn't formatted: run make infra-format"
        yield from snapshots.differences(_INFRA, compiler)
    sys.stdout.write(f"{len(_sources())} templates and parameter files checked with the compiler\n")


def _check() -> int:
    found = list(dict.fromkeys(_findings()))  # a module's findings come with each template that uses it
    sys.stdout.writelines(f"{finding}\n" for finding in found)
    return 1 if found else 0


def _format() -> int:
    with _compiler() as compiler:
        for file in _sources():
            file.write_text(compiler.formatted(file), encoding="utf-8")
    return 0


def _snapshots() -> int:
    with _compiler() as compiler:
        count = snapshots.write(_INFRA, compiler)
    sys.stdout.write(f"{count} snapshots and azuredeploy.json written\n")
    return 0


def _outdated() -> int:
    """Runs the one rule that bicepconfig.json turns off, because its clock alone would break a build."""
    command = find()
    if command is None:
        raise BicepError(MISSING)
    config = _INFRA / "bicepconfig.json"
    before = config.read_text(encoding="utf-8")
    try:
        config.write_text(re.sub(r'("use-recent-api-versions": \{ "level": )"off"', r'\1"warning"', before))
        ended = subprocess.run(  # noqa: S603 - the Bicep CLI
            [str(command), "lint", str(_INFRA / "main.bicep")],
            capture_output=True,
            text=True,
            check=False,
            env=environment(),
        )
    finally:
        config.write_text(before, encoding="utf-8")
    lines = [line for line in ended.stderr.splitlines() if "use-recent-api-versions" in line]
    sys.stdout.write("".join(f"{line}\n" for line in lines) or "Every API version is recent.\n")
    return 0


def _left_out() -> int:
    if find() is None and os.environ.get("CI") != "true":
        sys.stdout.write(f"Left out: the tests of the templates that need the compiler ({MISSING}).\n")
    return 0


_COMMANDS: dict[str, Callable[[], int]] = {
    "check": _check,
    "format": _format,
    "snapshots": _snapshots,
    "outdated": _outdated,
    "left-out": _left_out,
}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in _COMMANDS:
        sys.stderr.write(f"{__doc__}")
        return 2
    try:
        return _COMMANDS[arguments[0]]()
    except BicepError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
