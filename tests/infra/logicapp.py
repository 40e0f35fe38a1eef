"""Enough of Logic Apps' workflow definition language to run the workflows: their actions, and their expressions.

An HTTP action is really sent. What the workflows don't use isn't there, and is refused by name. As in Azure, an action
runs when those it runs after ended as it asks, and is skipped otherwise; an HTTP status of 400 or above is a failure.
"""

import base64
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import aiohttp

TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|(-?\d+)|([A-Za-z_]\w*)|(\?\[|[()\[\],.]))")
ATOMS = {"true": True, "false": False, "null": None}


@dataclass(kw_only=True)
class Run:
    """One run of a workflow: what it was given, and what has become of its actions."""

    parameters: dict[str, Any]
    trigger: dict[str, Any]
    http: aiohttp.ClientSession
    wait: Callable[[str, int], Awaitable[None]]
    name: str = "run-1"
    states: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None

    async def actions(self, actions: dict[str, Any]) -> bool:
        """Runs actions in their order; whether the last ones ended well, as decides about what holds them."""
        left = dict(actions)
        for name in actions:  # of the loop's previous round
            self.outputs.pop(name, None)
        while left and self.error is None:
            name = next(name for name, action in left.items() if not left.keys() & action["runAfter"].keys())
            action = left.pop(name)
            wanted = action["runAfter"].items()
            if all(self.states[before] in {state.upper() for state in states} for before, states in wanted):
                self.states[name] = "SUCCEEDED" if await self._one(name, action) else "FAILED"
            else:
                self.states[name] = "SKIPPED"
        return all(self.states.get(name) != "FAILED" for name in actions)

    async def _one(self, name: str, action: dict[str, Any]) -> bool:
        inputs = action.get("inputs")
        match action["type"]:
            case "Http":
                return await self._http(name, self.value(inputs))
            case "Compose":
                self.outputs[name] = self.value(inputs)
            case "Wait":
                await self.wait(name, self.value(inputs["interval"]["count"]))
            case "If":
                branch = action["actions"] if self.value(action["expression"]) else action.get("else", {"actions": {}})
                return await self.actions(branch.get("actions", branch) if branch else {})
            case "Until":
                for _ in range(action["limit"]["count"]):
                    ended_well = await self.actions(action["actions"])
                    if self.value(action["expression"]):
                        return ended_well
                return False
            case "Terminate":
                self.error = self.value(inputs)["runError"]
            case other:
                raise NotImplementedError(other)
        return True

    async def _http(self, name: str, inputs: dict[str, Any]) -> bool:
        self.requests.append({"name": name, **inputs})
        async with self.http.request(
            inputs["method"], inputs["uri"], headers=inputs["headers"], json=inputs.get("body")
        ) as response:
            is_xml = response.content_type == "application/xml"
            body = await response.read() if is_xml else await response.json(content_type=None)
            self.outputs[name] = {"statusCode": response.status, "headers": dict(response.headers), "body": body}
        return response.ok

    def value(self, stated: Any) -> Any:
        """A part of a definition with its expressions worked out."""
        if isinstance(stated, dict):
            return {name: self.value(one) for name, one in stated.items()}
        if isinstance(stated, list):
            return [self.value(one) for one in stated]
        if not isinstance(stated, str):
            return stated
        if stated.startswith("@") and not stated.startswith("@{"):
            return Expression(stated[1:], self).whole()
        return re.sub(r"@\{([^}]*)\}", lambda found: str(Expression(found[1], self).whole()), stated)


class Expression:
    """An expression, parsed and worked out in one go."""

    def __init__(self, text: str, run: Run) -> None:
        self.tokens = [found.groups() for found in TOKEN.finditer(text)]
        assert "".join(found.group() for found in TOKEN.finditer(text)) == text, f"not understood: {text}"
        self.run, self.at = run, 0

    def whole(self) -> Any:
        value = self.one()
        assert self.at == len(self.tokens), "there is more than one expression"
        return value

    def mark(self) -> str | None:
        return self.tokens[self.at][3] if self.at < len(self.tokens) else None

    def one(self) -> Any:
        text, number, name, _ = self.tokens[self.at]
        self.at += 1
        if text is not None:
            value: Any = text.replace("''", "'")
        elif number is not None:
            value = int(number)
        elif name in ATOMS:
            value = ATOMS[name]
        else:
            value = self.call(name)
        while (mark := self.mark()) in ("[", "?[", "."):
            self.at += 1
            if mark == ".":
                key = self.tokens[self.at][2]
                self.at += 1
            else:
                key = self.one()
                assert self.mark() == "]"
                self.at += 1
            value = None if value is None and mark == "?[" else value.get(key) if mark == "?[" else value[key]
        return value

    def call(self, name: str) -> Any:
        assert self.mark() == "(", f"{name} is no literal"
        self.at += 1
        given = []
        while self.mark() != ")":
            given.append(self.one())
            if self.mark() == ",":
                self.at += 1
        self.at += 1
        return FUNCTIONS[name](self.run, *given)


def _body(run: Run, name: str) -> Any:
    found = run.outputs.get(name)
    return found["body"] if found else None


def _xpath(_: Run, document: ET.Element, path: str) -> str:
    """The text of the first element of a name, which is empty if there is none."""
    found = re.fullmatch(r"string\(//(\w+)\)", path)
    assert found, f"not understood: {path}"
    return document.findtext(f".//{found[1]}", default="")


def _format_date_time(_: Run, text: str, shape: str) -> str:
    assert shape == "yyyy-MM-dd HH:mm"
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M")


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "base64ToString": lambda _, one: base64.b64decode(one).decode(),
    "body": _body,
    "coalesce": lambda _, *given: next((one for one in given if one is not None), None),
    "concat": lambda _, *given: "".join(given),
    "empty": lambda _, one: not one,
    "encodeUriComponent": lambda _, one: quote(one, safe=""),
    "equals": lambda _, one, other: one == other,
    "formatDateTime": _format_date_time,
    "if": lambda _, condition, one, other: one if condition else other,
    "int": lambda _, one: int(one),
    "json": lambda _, one: json.loads(one),
    "not": lambda _, one: not one,
    "or": lambda _, *given: any(given),
    "outputs": lambda run, name: run.outputs.get(name),
    "parameters": lambda run, name: run.parameters[name],
    "replace": lambda _, text, old, new: text.replace(old, new),
    "startsWith": lambda _, text, start: text.lower().startswith(start.lower()),
    "string": lambda _, one: str(one),
    "toLower": lambda _, one: one.lower(),
    "triggerBody": lambda run: run.trigger,
    "workflow": lambda run: {"run": {"name": run.name}},
    "xml": lambda _, one: ET.fromstring(one),
    "xpath": _xpath,
}
