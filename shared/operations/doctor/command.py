"""`python -m shared.doctor`: prints each finding and how to fix it. Exits with 1 if a check failed, else with 0."""

import argparse
import asyncio
import logging
import os
import sys

from shared.domain.clock import SystemClock
from shared.operations.doctor.examination import examine, record
from shared.operations.doctor.findings import as_json, as_text, has_failed
from shared.settings.settings_file import UnusableSettingsFile, add_settings_option, use_settings_file

_USAGE = 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m shared.doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    add_settings_option(parser)
    parser.add_argument(
        "--record",
        metavar="SERVER_CALL_ID",
        help="if no check fails, record this test call for 20 seconds and follow the recording until it is archived; "
        "everyone in the call must have agreed",
    )
    arguments = parser.parse_args()
    logging.getLogger("azure").setLevel(logging.CRITICAL)  # the findings report failures
    try:
        use_settings_file(arguments.settings)
    except UnusableSettingsFile as error:
        sys.stderr.write(f"{error}\n")
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
