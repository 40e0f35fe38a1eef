"""Every relative link of the documentation leads to a file of the checkout, and its anchor to a heading there."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

CHECKOUT = Path(__file__).parents[2]
_FENCE = re.compile(r"^( *)(```+).*?^\1\2`*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^()\s]+)\)|\b(?:src|srcset|href)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#+ +(.*?)#* *$", re.MULTILINE)


def pages() -> list[Path]:
    """All pages of the checkout, without those of installed packages."""
    found: list[Path] = []
    for folder, below, files in CHECKOUT.walk():
        below[:] = [name for name in below if name != "node_modules" and not name.startswith(".")]
        found += [folder / name for name in files if name.endswith(".md")]
    return sorted(found)


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors that GitHub makes of the headings: a repeated heading gets a number."""
    found: dict[str, int] = {}
    for heading in _HEADING.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w -]", "", words.strip().lower()).replace(" ", "-")
        found[anchor] = found.get(anchor, 0) + 1
    repeated = {f"{anchor}-{number}" for anchor, count in found.items() for number in range(1, count)}
    return frozenset(found) | repeated


def broken(page: Path) -> list[str]:
    text = _CODE.sub("", _FENCE.sub("", page.read_text(encoding="utf-8")))
    targets = {one or other for one, other in _LINK.findall(text)}
    return sorted(target for target in targets if not _resolves(page, target))


def _resolves(page: Path, target: str) -> bool:
    if re.match(r"[a-z][a-z0-9+.-]*:", target):  # another host's
        return True
    name, _, anchor = unquote(target).partition("#")
    led_to = (page.parent / name).resolve() if name else page
    if not led_to.is_relative_to(CHECKOUT) or not led_to.exists():
        return False
    return not anchor or led_to.suffix != ".md" or anchor in anchors(led_to)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_each_link_of_a_page_leads_somewhere(page: Path):
    assert broken(page) == []


def test_a_link_to_a_missing_file_or_heading_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(f"{__name__}.CHECKOUT", tmp_path)
    (tmp_path / "other.md").write_text("# What, else?\n\n## Same\n\n## Same\n\n```\n# in code\n```\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](other.md) [b](other.md#what-else) [c](other.md#same-1) [d](https://example.com/x) `[e](code.md)`\n"
        '[f](#here) [g](missing.md) [h](other.md#in-code) [i](other.md#same-2) [j](../outside.md) <img src="k.png">\n'
        "## Here\n"
    )
    assert broken(page) == ["../outside.md", "k.png", "missing.md", "other.md#in-code", "other.md#same-2"]
