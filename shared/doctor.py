"""Checks a deployment: `python -m shared.doctor`. See shared.operations.doctor.command."""

import sys

from shared.operations.doctor.command import main

if __name__ == "__main__":
    sys.exit(main())
