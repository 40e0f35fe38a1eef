"""`python -m shared.doctor`: each finding with its mend. Exits with 1 if anything does not work, else with 0."""

import argparse
import asyncio
import json
import logging
import os
import sys
from pathlib import Path

from shared.domain.clock import SystemClock
from shared.operations.doctor.findings import as_json, as_text, has_failed
from shared.operations.doctor.visit import examined

_USAGE = 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m shared.doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="findings for programs")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="a local.settings.json, over the environment")
    arguments = parser.parse_args()
    logging.getLogger("azure").setLevel(logging.CRITICAL)  # what failed is told by the findings
    if arguments.settings is not None:
        try:
            os.environ.update(_values(arguments.settings))
        except FileNotFoundError:
            sys.stderr.write(f"There is no file {arguments.settings}; make up makes one for the local stack.\n")
            return _USAGE
        except (OSError, ValueError, KeyError, TypeError):
            sys.stderr.write(f"{arguments.settings} is no local.settings.json: it needs Values, names with texts.\n")
            return _USAGE
    findings = asyncio.run(examined(os.environ, SystemClock()))
    sys.stdout.write(as_json(findings) if arguments.json else as_text(findings))
    return 1 if has_failed(findings) else 0


def _values(path: Path) -> dict[str, str]:
    """The file's settings, and what the host that reads such a file sets besides."""
    values: dict[str, str] = json.loads(path.read_bytes())["Values"]
    return {"AZURE_FUNCTIONS_ENVIRONMENT": "Development", **values}
