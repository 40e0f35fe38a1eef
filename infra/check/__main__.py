"""`python -m infra.check`: checks the templates and exits with 1 if there are findings.

BICEP_CHECK names an additional command to run on each file, such as `az bicep lint --file`.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from infra.check import names, scan
from infra.check.evaluation import evaluate, parameters_of
from infra.check.syntax import BicepError

_HERE = Path(__file__).parents[1]
_CHECKOV = _HERE.parent / ".checkov"


def _findings() -> Iterator[str]:
    templates = sorted(_HERE.rglob("*.bicep"))
    given = sorted(_HERE.rglob("*.bicepparam"))
    try:
        for file in templates:
            yield from names.findings(file)
        for file in given:
            yield from names.parameter_findings(file)
            evaluate(*parameters_of(file))
    except BicepError as error:
        yield str(error)
    yield from scan.findings_since(_CHECKOV / "found-nothing", _HERE, _CHECKOV / "bin/python")
    yield from further(os.environ.get("BICEP_CHECK", ""), [*templates, *given])
    sys.stdout.write(f"{len(templates)} templates and {len(given)} parameter files checked\n")


def further(command: str, files: Iterable[Path]) -> Iterator[str]:
    """The findings of a command that takes one file and exits with a status other than 0 if the file is invalid."""
    if not command:
        return
    for file in files:
        ended = subprocess.run(  # noqa: S603 - the caller's own command
            [*shlex.split(command), str(file)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if ended.returncode:
            yield f"{file.name}: BICEP_CHECK found: {ended.stdout.strip()}"


def main() -> int:
    found = list(_findings())
    for finding in found:
        sys.stdout.write(f"{finding}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
