"""Rebuilds the catalogue from the archive: `python -m shared.rebuild`. See shared.recovery.rebuild."""

import sys

from shared.recovery.rebuild import main

if __name__ == "__main__":
    sys.exit(main())
