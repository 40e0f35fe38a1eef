"""The system programs that the bench needs."""

import shutil

_PACKAGES = {"nginx": "nginx-light", "rclone": "rclone", "curl": "curl"}


class BenchError(Exception):
    """The bench failed. The message is for the person who ran it."""


def require(*names: str) -> None:
    """Raises BenchError if programs are missing. The message says how to install them."""
    missing = [name for name in names if program(name) is None]
    if missing:
        packages = " ".join(_PACKAGES[name] for name in missing)
        raise BenchError(
            f"The bench needs {' and '.join(missing)}. To install:\n"
            f"  Debian, Ubuntu: sudo apt-get install {packages}\n"
            f"  macOS:          brew install {' '.join(missing)}"
        )


def program(name: str) -> str | None:
    """The path of a program. Debian installs nginx in a directory that only root has on PATH."""
    return shutil.which(name) or shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin")
