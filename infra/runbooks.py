"""`python -m infra.runbooks` copies the runbooks of docs/operations.md to shared/page: the page shows them.

`--check` only compares. A person at night needs the runbooks of the running version, and may not have the repository.
"""

import re
import sys
from pathlib import Path

from infra.package import CHECKOUT

SOURCE = Path("docs/operations.md")
COPY = Path("shared/page/runbooks.md")
_HEADING = "## When an alert comes"
_LINK = re.compile(r"\[([^]]+)\]\(([^)]+)\)")


def runbooks(checkout: Path = CHECKOUT) -> str:
    """The runbooks, each under a heading of the third level. Links to other pages of the docs become text."""
    text = (checkout / SOURCE).read_text().partition(_HEADING)[2].partition("\n## ")[0]
    text = text[text.index("### ") :].rstrip() + "\n"
    names = {f"#{name}" for name in re.findall(r"^### (\S+)$", text, re.MULTILINE)}
    return _LINK.sub(lambda found: found[0] if found[2] in names else found[1], text)


def is_current(checkout: Path = CHECKOUT) -> bool:
    copy = checkout / COPY
    return copy.is_file() and copy.read_text() == runbooks(checkout)


def main() -> None:
    if "--check" not in sys.argv[1:]:
        (CHECKOUT / COPY).write_text(runbooks())
    elif not is_current():
        sys.exit(f"Out of date: {COPY}. Run `make openapi` and commit the result.")


if __name__ == "__main__":
    main()
