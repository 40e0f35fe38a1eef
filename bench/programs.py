"""Programs of the system that the bench can't do without, and what to say where one is missing."""

import shutil

_PACKAGES = {"nginx": "nginx-light", "rclone": "rclone", "curl": "curl"}


class BenchError(Exception):
    """The bench can't go on; the sentence is for the person who ran it."""


def require(*names: str) -> None:
    """Raises BenchError naming everything that is to be installed first."""
    missing = [name for name in names if program(name) is None]
    if missing:
        packages = " ".join(_PACKAGES[name] for name in missing)
        raise BenchError(
            f"The bench needs {' and '.join(missing)}, and found none.\n"
            f"  Debian, Ubuntu: sudo apt-get install {packages}\n"
            f"  macOS:          brew install {' '.join(missing)}"
        )


def program(name: str) -> str | None:
    """Debian keeps nginx where only an administrator's PATH looks."""
    return shutil.which(name) or shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin")
