"""`python -m infra.openapi` writes the API description; with `--check` it only fails if a file is out of date."""

import argparse
import sys

from infra.openapi.files import outdated, write


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.openapi", description="Writes the API description.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a file is out of date")
    if not parser.parse_args().check:
        write()
        return 0
    found = outdated()
    if found:
        sys.stdout.write(f"Out of date: {', '.join(found)}. Run `make openapi` and commit the result.\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
