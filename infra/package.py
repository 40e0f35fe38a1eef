"""Builds the package that is deployed: `python -m infra.package`, or `make package`.

The package contains an allow-list of files: three at the root, and below shared/ the Python modules, the page's files
and the API description, which is generated first. It never contains a key, a certificate, a file of parameters or
settings, or a link, wherever in the checkout that is. The same files give the same bytes, so an unchanged package has
an unchanged digest. With dependencies, the package also contains those of requirements.txt, always for Linux on x86-64,
and nothing is built in Azure. Core Tools publish a directory, and .funcignore can't express the whole list:
`--directory` writes the same files there.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from infra.openapi import files as description
from shared.http.description import Document

CHECKOUT = Path(__file__).parents[1]
DEPENDENCIES = ".python_packages/lib/site-packages"  # the folder from which the platform's worker imports them
_PYTHON = "3.13"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux2014_x86_64")  # of a Flex Consumption instance
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip supports
# As on Linux, wherever the package is built: without a mode, the host can't read a file.
_UNIX, _MODE = 3, 0o100644 << 16
_REQUIREMENTS = CHECKOUT / "requirements.txt"
_DESCRIPTION = tuple(f"shared/http/{document}" for document in Document)
_REQUIRED = ("function_app.py", "host.json", "requirements.txt", *_DESCRIPTION)
_CODE = "shared"
_PAGE = "shared/page"
_FOLDER = re.compile(r"[a-z][a-z0-9_]*")
_MODULE = re.compile(r"[a-z_][a-z0-9_]*\.py")
_PAGE_FILE = re.compile(r"[a-z][a-z0-9-]*\.(?:css|html|svg)|runbooks\.md")
_SCRIPT = re.compile(r"[a-z][a-z0-9-]*\.js")  # of the page, in a folder
# Scripts contain the path of the interpreter that installed them, and nothing in Azure calls them.
_SCRIPTS = "bin"


def package(output: Path, *, source: Path = CHECKOUT, dependencies: Path | None = None) -> Path:
    """Writes the package of a checkout. `dependencies` is the directory in which they are installed."""
    files = _files(source, dependencies)
    output.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = _UNIX
            entry.external_attr = _MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name].read_bytes())
    return output


def _files(source: Path, dependencies: Path | None) -> dict[str, Path]:
    """The files by their names in the package."""
    files = {name: source / name for name in packaged(source)}
    if dependencies is not None:
        found = (file for file in dependencies.rglob("*") if file.is_file())
        named = {file.relative_to(dependencies): file for file in found}
        wanted = {name: file for name, file in named.items() if name.parts[0] != _SCRIPTS}
        files |= {f"{DEPENDENCIES}/{name.as_posix()}": file for name, file in wanted.items()}
    return files


def packaged(source: Path = CHECKOUT) -> Iterator[str]:
    """Names of the checkout's files that are deployed. Raises FileNotFoundError if a required one is missing."""
    for name in _REQUIRED:
        if not _is_plain(source / name):
            raise FileNotFoundError(f"{name} is missing, or is a link")
        yield name
    for directory, names, files in (source / _CODE).walk():
        folder = directory.relative_to(source).as_posix()
        names[:] = [name for name in names if _FOLDER.fullmatch(name) and not (directory / name).is_symlink()]
        wanted = _PAGE_FILE if folder == _PAGE else _SCRIPT if folder.startswith(f"{_PAGE}/") else _MODULE
        for name in files:
            if wanted.fullmatch(name) and _is_plain(directory / name):
                yield f"{folder}/{name}"


def _is_plain(file: Path) -> bool:
    return file.is_file() and not file.is_symlink()


def copy(target: Path, *, source: Path = CHECKOUT, dependencies: Path | None = None) -> Path:
    """Writes the package's files into a new directory. Raises FileExistsError for an old one."""
    target.mkdir(parents=True)
    for name, file in _files(source, dependencies).items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target / name)
    return target


def install(target: Path, *, platforms: Sequence[str] = PLATFORMS, requirements: Path = _REQUIREMENTS) -> None:
    """Installs the app's dependencies, by default for Azure.

    Raises CalledProcessError if a wheel is missing or has a hash that isn't in `requirements`.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--require-hashes", "--only-binary=:all:", "--implementation=cp", f"--python-version={_PYTHON}"]
    command += [f"--platform={platform}" for platform in platforms]
    command += [f"--target={target}", f"--requirement={requirements}"]
    subprocess.run(command, check=True)  # noqa: S603 - our own interpreter, and no shell


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.package", description=__doc__)
    parser.add_argument("--output", type=Path, default=CHECKOUT / "dist" / "callvault.zip", metavar="FILE")
    parser.add_argument(
        "--with-dependencies", action="store_true", help="include them, so that nothing is built in Azure"
    )
    parser.add_argument("--directory", type=Path, help="write the files into this new directory, and no zip")
    arguments = parser.parse_args()
    description.write()
    with tempfile.TemporaryDirectory() as directory:
        dependencies = Path(directory) if arguments.with_dependencies else None
        if dependencies is not None:
            try:
                install(dependencies)
            except subprocess.CalledProcessError:
                sys.stderr.write("The dependencies can't be installed: see pip's message above.\n")
                return 1
        if arguments.directory is not None:
            sys.stdout.write(f"{copy(arguments.directory, dependencies=dependencies)}\n")
            return 0
        built = package(arguments.output, dependencies=dependencies)
    digest = hashlib.sha256(built.read_bytes()).hexdigest()
    sys.stdout.write(f"{built}: {built.stat().st_size / 1024:,.0f} KiB, sha256 {digest}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
