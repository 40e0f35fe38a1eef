"""Adds to a package what a release needs: `python -m infra.release --repository OWNER/NAME --tag v1.2.3`.

Writes next to the package, which must contain its libraries: its SBOM (CycloneDX 1.6), whose components are read from
the libraries' own metadata in the package, and the release's notes with the button that deploys this package. Refuses
a tag that isn't the checkout's version.
"""

import argparse
import json
import re
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.parse import quote

from infra.package import CHECKOUT, DEPENDENCIES
from shared import __version__

PORTAL = "https://portal.azure.com/#create/Microsoft.Template/uri/"
_BUTTON = "https://aka.ms/deploytoazurebutton"
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_METADATA = re.compile(rf"{re.escape(DEPENDENCIES)}/[^/]+\.dist-info/METADATA")


def sbom(package: Path) -> dict[str, Any]:
    """The SBOM of a package. The same package has the same SBOM. Raises ValueError if it contains no libraries."""
    with zipfile.ZipFile(package) as archive:
        files = [archive.read(name) for name in sorted(archive.namelist()) if _METADATA.fullmatch(name)]
    if not files:
        raise ValueError(f"{package} contains no libraries: run make package ARGS=--with-dependencies")
    components = [_component(message_from_bytes(file)) for file in files]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "callvault", "version": __version__}},
        "components": sorted(components, key=lambda one: one["purl"]),
    }


def notes(repository: str, tag: str) -> str:
    """The notes of a release: the button, the package's URL, and how to verify the package."""
    template = f"https://raw.githubusercontent.com/{repository}/{tag}/infra/azuredeploy.json"
    guide = f"https://github.com/{repository}/blob/{tag}"
    return f"""[![Deploy to Azure]({_BUTTON})]({PORTAL}{quote(template, safe="")})

Enter the name of your ACS resource, and this address as `packageUrl`:

```
https://github.com/{repository}/releases/download/{tag}/callvault.zip
```

[How to deploy]({guide}/docs/deploy.md). [What changed]({guide}/CHANGELOG.md).
To verify that the package was built from this repository:

```bash
gh attestation verify callvault.zip --repo {repository}
```
"""


def _component(metadata: Any) -> dict[str, str]:
    name, version = re.sub(r"[-_.]+", "-", metadata["Name"]).lower(), metadata["Version"]
    return {"type": "library", "name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.release", description=__doc__)
    parser.add_argument("--repository", required=True, help="the repository on GitHub, as OWNER/NAME")
    parser.add_argument("--tag", required=True, help="the release's tag")
    parser.add_argument("--package", type=Path, default=CHECKOUT / "dist" / "callvault.zip", metavar="FILE")
    arguments = parser.parse_args()
    if arguments.tag != f"v{__version__}":
        parser.error(f"the tag {arguments.tag} isn't v{__version__}, the version of this checkout")
    if not _REPOSITORY.fullmatch(arguments.repository):
        parser.error(f"--repository must be OWNER/NAME, not {arguments.repository}")
    try:
        text = json.dumps(sbom(arguments.package), indent=2)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    arguments.package.with_suffix(".cdx.json").write_text(f"{text}\n", encoding="utf-8")
    arguments.package.with_name("notes.md").write_text(notes(arguments.repository, arguments.tag), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
