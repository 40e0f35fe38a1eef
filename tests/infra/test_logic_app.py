"""The Logic Apps' definitions: Azure checks them only at the deployment, and its types call them "any"."""

import json
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from typing import Any

import pytest

from infra.package import CHECKOUT
from tests.infra.logicapp import FUNCTIONS

DEFINITIONS = {file.stem: json.loads(file.read_text()) for file in (CHECKOUT / "infra" / "logicapp").glob("*.json")}
DEFINITION = DEFINITIONS["workflow"]
PAGE = (CHECKOUT / "docs" / "logic-apps.md").read_text(encoding="utf-8")
KNOWN = {"Http", "Compose", "Wait", "If", "Until", "Terminate"}

type Actions = dict[str, Any]


def scopes(actions: Actions) -> Iterator[Actions]:
    """Each set of actions that run after one another: those of the workflow, of a branch, of a loop."""
    yield actions
    for action in actions.values():
        for inner in (action.get("actions"), action.get("else", {}).get("actions")):
            if inner:
                yield from scopes(inner)


def all_actions(definition: Actions = DEFINITION) -> Actions:
    return {name: action for scope in scopes(definition["actions"]) for name, action in scope.items()}


def texts(part: Any) -> Iterator[str]:
    match part:
        case str():
            yield part
        case dict():
            for one in part.values():
                yield from texts(one)
        case list():
            for one in part:
                yield from texts(one)


def http_actions(definition: Actions = DEFINITION) -> Actions:
    return {name: action for name, action in all_actions(definition).items() if action["type"] == "Http"}


each = pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)


def test_it_has_one_trigger_which_is_called_over_http():
    (trigger,) = DEFINITION["triggers"].values()
    assert (trigger["type"], trigger["kind"]) == ("Request", "Http")


@each
def test_its_actions_are_of_known_types_and_their_names_are_used_once(definition: Actions):
    assert {action["type"] for action in all_actions(definition).values()} <= KNOWN
    names = [name for scope in scopes(definition["actions"]) for name in scope]
    assert len(names) == len(set(names))


@each
def test_what_runs_after_what_stays_in_its_scope_and_has_no_circle(definition: Actions):
    for scope in scopes(definition["actions"]):
        order = {name: set(action["runAfter"]) for name, action in scope.items()}
        assert set().union(*order.values()) <= scope.keys()
        assert list(TopologicalSorter(order).static_order())
        assert [name for name, before in order.items() if not before], "one of them has to begin"


@each
def test_what_an_action_reads_of_another_is_there_by_then(definition: Actions):
    """Azure refuses a definition in which an action reads one that doesn't come before it."""

    def check(scope: Actions, known: set[str]) -> set[str]:
        order = TopologicalSorter({name: set(action["runAfter"]) for name, action in scope.items()})
        for name in order.static_order():
            action = scope[name]
            inner = {**action, "actions": None, "else": None, "expression": None}
            after = set(known)
            for branch in (action.get("actions"), action.get("else", {}).get("actions")):
                after |= check(branch, known) if branch else set()
            expression = action.get("expression", "")
            assert read_of(inner) <= known, name
            assert read_of(expression) <= (after if action["type"] == "Until" else known), name
            known = after | {name}
        return known

    check(definition["actions"], set())


def read_of(part: Any) -> set[str]:
    return {name for text in texts(part) for name in re.findall(r"(?:body|outputs)\('(\w+)'\)", text)}


@each
def test_each_parameter_it_uses_is_declared_and_each_declared_is_used(definition: Actions):
    used = {name for text in texts(definition) for name in re.findall(r"parameters\('(\w+)'\)", text)}
    assert used == definition["parameters"].keys()
    assert all(part["metadata"]["description"] for part in definition["parameters"].values())


@each
def test_it_uses_no_function_that_the_replay_does_not_work_out(definition: Actions):
    called = {name for text in texts(definition["actions"]) for name in re.findall(r"(\w+)\(", text) if "@" in text}
    assert called <= FUNCTIONS.keys()


def test_it_holds_no_secret_and_its_run_history_shows_neither_the_key_nor_who_was_recorded():
    for secret in ("functionKey", "resultUrl"):  # a URL that takes requests often carries its key
        assert DEFINITION["parameters"][secret]["type"] == "SecureString"
        assert not DEFINITION["parameters"][secret]["defaultValue"]
    assert not re.search(r"sig=|code=|AccountKey|Bearer |[A-Za-z0-9+/]{40,}={1,2}", json.dumps(DEFINITION))
    # The trigger gets what a start takes, in which people are named.
    for name, part in (http_actions() | DEFINITION["triggers"]).items():
        assert part["runtimeConfiguration"]["secureData"]["properties"] == ["inputs", "outputs"], name
    # It reads the recording's id. Compose knows secure inputs only: they hide its outputs, too.
    assert all_actions()["Archive_address"]["runtimeConfiguration"]["secureData"]["properties"] == ["inputs"]


def test_the_cards_hide_their_address_and_what_they_say_in_the_run_history():
    cards = DEFINITIONS["teams-cards"]
    assert cards["parameters"]["teamsUrl"] == {
        "type": "SecureString",
        "defaultValue": "",
        "metadata": cards["parameters"]["teamsUrl"]["metadata"],
    }
    for name, action in all_actions(cards).items():
        hidden = action.get("runtimeConfiguration", {}).get("secureData", {}).get("properties")
        if action["type"] == "Http":
            assert hidden == ["inputs", "outputs"], name
        if action["type"] == "Compose" and "@" in json.dumps(action["inputs"]):
            assert hidden == ["inputs"], name


def test_only_the_queue_gets_the_identity_of_the_cards():
    for name, action in http_actions(DEFINITIONS["teams-cards"]).items():
        inputs = action["inputs"]
        to_queue = inputs["uri"].startswith("@{parameters('queueUrl')}/messages")
        assert to_queue == (name != "Post_card")
        assert ("authentication" in inputs) == to_queue


def test_the_samples_in_the_docs_hide_their_inputs_and_outputs_too():
    actions = [json.loads(f"{{{block}}}") for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    calls = [one for part in actions for scope in scopes(part) for one in scope.values() if one["type"] == "Http"]
    assert len(calls) == 3
    for call in calls:
        assert call["runtimeConfiguration"]["secureData"]["properties"] == ["inputs", "outputs"], call["inputs"]["uri"]


@pytest.mark.parametrize("name", http_actions())
def test_callvault_is_called_with_the_logic_app_s_identity_and_nobody_else_gets_it(name: str):
    inputs = http_actions()[name]["inputs"]
    if name == "Hand_on":
        assert "authentication" not in inputs
        assert "x-functions-key" not in inputs["headers"]
    else:
        assert inputs["authentication"] == {"type": "ManagedServiceIdentity", "audience": "@parameters('audience')"}
        assert inputs["uri"].startswith(("@{parameters('callvaultUrl')}/api/", "@outputs('Archive_address')"))


def test_only_what_may_be_repeated_is_repeated():
    start = all_actions()["Start_recording"]["inputs"]
    assert start["headers"]["Idempotency-Key"] == "@{workflow().run.name}"
