"""Builds the package that is deployed: `python -m infra.package`, or `make package`.

It holds what .funcignore leaves in and nothing else, and the same files give the same bytes: an unchanged package is
an unchanged digest. With dependencies, it holds those of requirements.txt as well, for Linux on x86-64 whatever the
machine, so that nothing is built in Azure; without, Azure installs them (remote build).
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from pathspec import GitIgnoreSpec

CHECKOUT = Path(__file__).parents[1]
DEPENDENCIES = ".python_packages/lib/site-packages"  # where the platform's worker looks for them
_PYTHON = "3.13"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux2014_x86_64")  # of a Flex Consumption instance
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can tell
_MODE = 0o100644 << 16
# Scripts name the interpreter of the machine that installed them; nothing in Azure calls them.
_SCRIPTS = "bin"


def package(output: Path, *, source: Path = CHECKOUT, dependencies: Path | None = None) -> Path:
    """Writes the package of a checkout; `dependencies` is a directory that holds them installed."""
    files = {name: source / name for name in packaged(source)}
    if dependencies is not None:
        found = (file for file in dependencies.rglob("*") if file.is_file())
        named = {file.relative_to(dependencies): file for file in found}
        wanted = {name: file for name, file in named.items() if name.parts[0] != _SCRIPTS}
        files |= {f"{DEPENDENCIES}/{name.as_posix()}": file for name, file in wanted.items()}
    output.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = _MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name].read_bytes())
    return output


def packaged(source: Path = CHECKOUT) -> Iterator[str]:
    """Names of the files that .funcignore leaves in, read as Core Tools reads it: by the rules of .gitignore."""
    ignored = GitIgnoreSpec.from_lines((source / ".funcignore").read_text().splitlines())
    for directory, names, files in source.walk():
        here = directory.relative_to(source)
        # What is ignored is not walked into: a checkout has a virtual environment of a hundred thousand files.
        names[:] = [name for name in names if not ignored.match_file(f"{(here / name).as_posix()}/")]
        for file in files:
            name = (here / file).as_posix()
            if not ignored.match_file(name):
                yield name


def install(target: Path, *, platforms: Sequence[str] = PLATFORMS) -> None:
    """Installs what the app needs, by default for Azure. Raises CalledProcessError when a wheel is missing."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={_PYTHON}"]
    command += [f"--platform={platform}" for platform in platforms]
    command += [f"--target={target}", f"--requirement={CHECKOUT / 'requirements.txt'}"]
    subprocess.run(command, check=True)  # noqa: S603 - our own interpreter, and no shell


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.package", description=__doc__)
    parser.add_argument("--output", type=Path, default=CHECKOUT / "dist" / "callvault.zip", metavar="FILE")
    parser.add_argument("--with-dependencies", action="store_true", help="hold them, so that nothing is built in Azure")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        dependencies = Path(directory) if arguments.with_dependencies else None
        if dependencies is not None:
            try:
                install(dependencies)
            except subprocess.CalledProcessError:
                sys.stderr.write("The dependencies can't be installed: what pip says stands above.\n")
                return 1
        built = package(arguments.output, dependencies=dependencies)
    digest = hashlib.sha256(built.read_bytes()).hexdigest()
    sys.stdout.write(f"{built}: {built.stat().st_size / 1024:,.0f} KiB, sha256 {digest}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
