"""The option --settings of the commands: a local.settings.json whose values override the environment."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path


class UnusableSettingsFile(Exception):
    """The file doesn't exist, or isn't a local.settings.json. The text is for the person at the command line."""


def add_settings_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", help="a local.settings.json; overrides the environment"
    )


def use_settings_file(path: Path | None) -> None:
    """Puts the file's values into the environment. Raises UnusableSettingsFile."""
    if path is None:
        return
    try:
        os.environ.update(_values(path))
    except FileNotFoundError:
        raise UnusableSettingsFile(f"File {path} not found. `make up` creates one for the local stack.") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise UnusableSettingsFile(f"{path} isn't a valid local.settings.json: Values must contain strings.") from None


def _values(path: Path) -> dict[str, str]:
    """The file's settings, and the variable that the Functions host sets when it reads such a file."""
    values: dict[str, str] = json.loads(path.read_bytes())["Values"]
    return {"AZURE_FUNCTIONS_ENVIRONMENT": "Development", **values}
