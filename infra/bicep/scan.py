"""Scans the compiled template for weak settings with checkov, which lives in a virtual environment of its own.

Its pinned packages conflict with Callvault's. It reads azuredeploy.json, not the Bicep files: its parser (pycep 0.5.1)
refuses lambdas, decorators and line breaks that the compiler and its formatter write. A file that checkov can't read is
a finding: checkov itself would skip the file and report success.
A scan takes seconds, so a template in which it found nothing isn't scanned again until it, or what scans it, changes.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_OTHER_CONFIG = "checkov takes every config of an app for the one named web; here it is that of the sign-in"

# Checks of checkov that Callvault skips, each with its reason.
SKIPPED: Mapping[str, str] = {
    "CKV_AZURE_13": _OTHER_CONFIG,
    "CKV_AZURE_63": _OTHER_CONFIG,
    "CKV_AZURE_65": _OTHER_CONFIG,
    "CKV_AZURE_66": _OTHER_CONFIG,
    "CKV_AZURE_80": _OTHER_CONFIG,
    "CKV_AZURE_88": _OTHER_CONFIG,
    "CKV_AZURE_17": "callers show a function key or an Entra token; nobody hands them certificates",
    "CKV_AZURE_36": "storage without private networking is open to networks, so trusted services need no exception",
    "CKV_AZURE_35": "storage is open to networks, not to people: keys are off and every caller needs a role; "
    "privateNetworking closes it, which checkov can't evaluate",
    "CKV_AZURE_212": "the app scales to zero on purpose; alwaysReadyHttp and alwaysReadyArchiving keep instances warm",
    "CKV_AZURE_213": "Flex Consumption has no health check of the platform's: it replaces instances by itself",
    "CKV_AZURE_222": "Event Grid and Logic Apps reach the app from outside; each function asks for its credential",
    "CKV_AZURE_225": "zone redundancy is a parameter, since not every region has it for Flex Consumption",
    "CKV_AZURE_78": "Flex Consumption has no FTP and refuses ftpsState",
    "CKV_AZURE_41": "the secrets key digests and signatures: one that expires would end both",
    "CKV_AZURE_109": "app settings can't refer to a vault that is closed to networks; every reader needs a role",
    "CKV_AZURE_189": "as for CKV_AZURE_109: the platform resolves references from outside the app's network",
    "CKV_AZURE_131": "the defaults are newGuid(), a new secret for each deployment, and none is in the file",
    "CKV_AZURE_193": "the topic is open to networks, not to people: keys are off, and the app alone may send",
    "CKV_AZURE_206": "redundancy is a parameter whose values all replicate, Standard_LRS besides, for trying out",
}


def findings_since(clean: Path, template: Path, python: Path) -> Iterator[str]:
    """Checkov's findings. Skips the scan if the file `clean` has the digest of this template."""
    this = subject(template)
    if clean.is_file() and clean.read_text(encoding="utf-8") == this:
        return
    found = False
    for finding in findings(template, python):
        found = True
        yield finding
    if not found:
        clean.write_text(this, encoding="utf-8")


def subject(template: Path) -> str:
    """A digest of everything that determines the result: template, checkov's release, skipped checks."""
    total = hashlib.sha256()
    for file in (template, Path(__file__), Path(__file__).parents[1] / "checkov.txt"):
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def findings(template: Path, python: Path) -> Iterator[str]:
    """Checkov's findings in an ARM template. `python` is the interpreter of checkov's environment."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(template, folder)
        yield from _scanned(Path(folder), python)


def _scanned(folder: Path, python: Path) -> Iterator[str]:
    options = ["--framework", "arm", "--compact", "--skip-download", "--output", "json"]
    command = [
        str(python),
        "-m",
        "checkov.main",
        "--directory",
        str(folder),
        *options,
        "--skip-check",
        ",".join(SKIPPED),
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter
    try:
        report: dict[str, Any] = json.loads(ended.stdout)
    except ValueError:
        sys.stderr.write(ended.stderr)
        yield "checkov gave no report"
        return
    results = report.get("results", {})
    for file in results.get("parsing_errors", ["a report without results: no template was read"]):
        yield f"{file}: checkov can't parse it"
    for failed in results.get("failed_checks", []):
        yield f"{failed['file_path']}: {failed['resource']}: {failed['check_id']} {failed['check_name']}"
    seen = report.get("summary", {}).get("resource_count", 0)
    if not seen:
        yield "checkov saw no resource"
