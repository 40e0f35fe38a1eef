"""Scans the templates for weak settings with checkov, which lives in a virtual environment of its own.

Its pinned packages conflict with Callvault's. A file that checkov can't read is a finding: checkov itself would skip
the file and report success.
It takes ten seconds, so templates that it found nothing in aren't scanned again until they, or what scans them, change.
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

_READ = frozenset({".bicep", ".bicepparam", ".json", ".kql"})
_NOT_READ = frozenset({".py", ".pyc", ".sh"})

# Checks of checkov that Callvault skips, each with its reason.
SKIPPED: Mapping[str, str] = {
    "CKV_AZURE_13": _OTHER_CONFIG,
    "CKV_AZURE_63": _OTHER_CONFIG,
    "CKV_AZURE_65": _OTHER_CONFIG,
    "CKV_AZURE_66": _OTHER_CONFIG,
    "CKV_AZURE_80": _OTHER_CONFIG,
    "CKV_AZURE_88": _OTHER_CONFIG,
    "CKV_AZURE_17": "callers show a function key or an Entra token; nobody hands them certificates",
    "CKV_AZURE_35": "storage is open to networks, not to people: keys are off and every caller needs a role; "
    "privateNetworking closes it, which checkov can't evaluate",
    "CKV_AZURE_212": "the app scales to zero on purpose; alwaysReadyHttp and alwaysReadyArchiving keep instances warm",
    "CKV_AZURE_213": "Flex Consumption has no health check of the platform's: it replaces instances by itself",
    "CKV_AZURE_222": "Event Grid and Logic Apps reach the app from outside; each function asks for its credential",
    "CKV_AZURE_225": "zone redundancy is a parameter, since not every region has it for Flex Consumption",
    "CKV_AZURE_41": "the secrets key digests and signatures: one that expires would end both",
    "CKV_AZURE_109": "app settings can't refer to a vault that is closed to networks; every reader needs a role",
    "CKV_AZURE_189": "as for CKV_AZURE_109: the platform resolves references from outside the app's network",
    "CKV_AZURE_131": "the defaults are newGuid(), a new secret, and not one that stands in the file",
    "CKV_AZURE_193": "the topic is open to networks, not to people: keys are off, and the app alone may send",
    "CKV_AZURE_206": "redundancy is a parameter whose values all replicate, Standard_LRS besides, for trying out",
}


def findings_since(clean: Path, folder: Path, python: Path) -> Iterator[str]:
    """Checkov's findings. Skips the scan if the file `clean` has the digest of these templates."""
    these = subject(folder)
    if clean.is_file() and clean.read_text(encoding="utf-8") == these:
        return
    found = False
    for finding in findings(folder, python):
        found = True
        yield finding
    if not found:
        clean.write_text(these, encoding="utf-8")


def subject(folder: Path) -> str:
    """A digest of everything that determines the result: templates, loaded files, checkov's release, skipped checks."""
    digest = hashlib.sha256()
    read = (one for one in folder.rglob("*") if one.suffix in _READ)
    for file in sorted({*read, Path(__file__), Path(__file__).with_name("checkov.txt")}):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.name} {content}\n".encode())
    return digest.hexdigest()


# Syntax that checkov's parser (pycep 0.5.1) rejects, and its replacement in the copy that checkov reads.
_UNKNOWN_TO_CHECKOV: Mapping[str, str] = {"@onlyIfNotExists()\n": "", "fail(": "string("}


def findings(folder: Path, python: Path) -> Iterator[str]:
    """Checkov's findings in a folder. `python` is the interpreter of checkov's environment."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / folder.name
        shutil.copytree(folder, copy, ignore=lambda _, names: [one for one in names if Path(one).suffix in _NOT_READ])
        for file in copy.rglob("*.bicep"):
            source = file.read_text(encoding="utf-8")
            for old, new in _UNKNOWN_TO_CHECKOV.items():
                source = source.replace(old, new)
            file.write_text(source, encoding="utf-8")
        yield from _scanned(copy, python)


def _scanned(folder: Path, python: Path) -> Iterator[str]:
    options = ["--framework", "bicep", "--compact", "--skip-download", "--output", "json"]
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
