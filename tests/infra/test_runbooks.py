"""Every alert has a runbook under its name."""

import re
from pathlib import Path

import pytest

from infra.package import CHECKOUT
from infra.runbooks import is_current
from shared.operations.attention import RUNBOOKS as OF_CHECKS
from tests.infra.policies.alerts import LOG_RULE, METRIC_RULE
from tests.infra.templates import Templates, made, only

PAGE = (CHECKOUT / "docs" / "operations.md").read_text()
RUNBOOKS = PAGE.partition("## When an alert comes")[2].partition("\n## ")[0]
SECTIONS = dict(re.findall(r"^### (\S+)\n(.*?)(?=^### |\Z)", RUNBOOKS, re.MULTILINE | re.DOTALL))


def alerts() -> set[str]:
    deployment = Templates().main()
    stem = only(deployment, "Microsoft.Web/serverfarms").name.removeprefix("plan-") + "-"
    return {rule.name.removeprefix(stem) for kind in (LOG_RULE, METRIC_RULE) for rule in made(deployment, kind)}


def test_every_alert_of_the_template_has_a_runbook_and_no_other_has():
    assert alerts()
    assert SECTIONS.keys() == alerts()


def test_the_page_has_the_current_runbooks_and_one_for_each_check():
    assert is_current(), "run `make openapi` and commit the result"
    assert set(OF_CHECKS.values()) <= SECTIONS.keys()


def test_each_runbook_says_what_happened_and_then_step_by_step_what_to_do():
    for name, text in SECTIONS.items():
        said, *steps = [part for part in text.strip().split("\n\n") if not re.match(r"(Missing l|L)og lines?: ", part)]
        assert said.startswith("**"), name
        assert steps, name
        assert steps[0].startswith("1. "), name


def test_a_search_for_a_log_line_that_fires_an_alert_finds_its_runbook():
    deployment = Templates().main()
    stem = only(deployment, "Microsoft.Web/serverfarms").name.removeprefix("plan-") + "-"
    for rule in made(deployment, LOG_RULE):
        query = rule.properties["criteria"]["allOf"][0]["query"]
        lines = re.findall(r'Message (?:startswith|has) "([^"{]+?) {?"', query)
        assert lines, rule.name
        for line in lines:
            assert f"`{line}`" in SECTIONS[rule.name.removeprefix(stem)], line


@pytest.mark.parametrize("page", sorted((CHECKOUT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path):
    text = page.read_text()
    for anchor in re.findall(r"\]\(#([\w-]+)\)", text):
        assert anchor in anchors(text), anchor
    for name, anchor in re.findall(r"\]\(((?:\w|[./-])+)(?:#([\w-]+))?\)", text):
        target = page.parent / name
        assert target.exists(), name
        assert not anchor or anchor in anchors(target.read_text()), f"{name}#{anchor}"


def anchors(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
