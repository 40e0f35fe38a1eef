"""`python -m shared.doctor`: prints each finding and how to fix it. Exits with 1 if a check failed, else with 0."""

import argparse
import asyncio
import json
import logging
import os
import sys
from pathlib import Path

from shared.domain.clock import SystemClock
from shared.operations.doctor.examination import examine, record
from shared.operations.doctor.findings import as_json, as_text, has_failed

_USAGE = 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m shared.doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", help="a local.settings.json; overrides the environment"
    )
    parser.add_argument(
        "--record",
        metavar="SERVER_CALL_ID",
        help="if no check fails, record this test call for 20 seconds and follow the recording until it is archived; "
        "everyone in the call must have agreed",
    )
    arguments = parser.parse_args()
    logging.getLogger("azure").setLevel(logging.CRITICAL)  # the findings report failures
    if arguments.settings is not None:
        try:
            os.environ.update(_values(arguments.settings))
        except FileNotFoundError:
            sys.stderr.write(f"File {arguments.settings} not found. `make up` creates one for the local stack.\n")
            return _USAGE
        except (OSError, ValueError, KeyError, TypeError):
            sys.stderr.write(f"{arguments.settings} isn't a valid local.settings.json: Values must contain strings.\n")
            return _USAGE
    findings = asyncio.run(examine(os.environ, SystemClock()))
    if arguments.record and not has_failed(findings):
        findings += asyncio.run(record(arguments.record, SystemClock(), _report))
    sys.stdout.write(as_json(findings) if arguments.json else as_text(findings))
    return 1 if has_failed(findings) else 0


def _report(step: str) -> None:
    """To standard error: the findings alone are on standard output."""
    sys.stderr.write(f"{step}\n")
    sys.stderr.flush()


def _values(path: Path) -> dict[str, str]:
    """The file's settings, and the variable that the Functions host sets when it reads such a file."""
    values: dict[str, str] = json.loads(path.read_bytes())["Values"]
    return {"AZURE_FUNCTIONS_ENVIRONMENT": "Development", **values}
