"""The templates under test: a folder of Bicep files, and what each scenario would deploy.

The committed snapshots say so for the templates of the checkout, without a compiler. A broken copy has none: there the
compiler is asked.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.bicep.compiler import DEPLOYMENT, MISSING, BicepError, Compiler, find
from infra.bicep.snapshots import snapshot_of
from tests.infra.expressions import look

INFRA = Path(__file__).parents[2] / "infra"
ACS = "acs1"


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource that a deployment creates or updates. What only Azure knows is an expression in brackets."""

    type: str
    name: str
    id: str
    group: str
    body: Mapping[str, Any]

    @property
    def properties(self) -> Any:
        return self.body.get("properties", {})

    @property
    def scope(self) -> tuple[str, str] | None:
        """Type and name of the resource that this one extends, such as the account of a role assignment."""
        outer, found, _ = self.id.rpartition("/providers/")
        if not found or "/providers/" not in outer:
            return None
        return _type_and_name(outer)

    def gives(self, expression: str, name: str) -> bool:
        """Whether an expression reads this property of the resource once Azure knows it."""
        return f"reference('{self.id}'" in expression and expression.endswith(f".{name}]")


@dataclass(frozen=True, kw_only=True)
class Deployment:
    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any]


@dataclass(frozen=True)
class Templates:
    folder: Path = INFRA

    def main(self, scenario: str = "default") -> Deployment:
        return _deployment(self.folder, scenario)

    def events(self, scenario: str = "events") -> Deployment:
        return _deployment(self.folder, scenario)

    def compiled(self) -> dict[str, Any]:
        """The ARM template that the compiler makes of main.bicep."""
        return _compiled(self.folder)

    def refusal(self, scenario: str) -> str:
        """Why a deployment would be refused; empty: it would be accepted."""
        try:
            compiler().snapshot(self.folder / "scenarios/refused" / f"{scenario}.bicepparam")
        except BicepError as error:
            return str(error)
        return ""

    def broken(self, into: Path, file: str, old: str, new: str) -> "Templates":
        """A copy with one passage changed, to see who notices: not the linter, whose rules are off in the copy."""
        copy = into / "infra"
        shutil.copytree(self.folder, copy, ignore=shutil.ignore_patterns("__pycache__", "*.snapshot.json"))
        source = (copy / file).read_text(encoding="utf-8")
        if old not in source:  # no AssertionError, which would be taken for the policy's
            raise LookupError(f"{file} has no {old!r} to break")
        (copy / file).write_text(source.replace(old, new), encoding="utf-8")
        rules = copy / "bicepconfig.json"
        rules.write_text(rules.read_text(encoding="utf-8").replace('"error"', '"off"'), encoding="utf-8")
        return Templates(copy)


@cache
def _running() -> Compiler:
    command = find()
    if command is None:
        raise LookupError(MISSING)
    return Compiler(command)


def compiler() -> Compiler:
    """The compiler. Skips the test if there is none, except on CI, where a check must not be left out."""
    if find() is None and os.environ.get("CI") != "true":
        pytest.skip(MISSING)
    return _running()


def end_compiler() -> None:
    if _running.cache_info().currsize:
        _running().__exit__(None, None, None)
        _running.cache_clear()


@cache
def _deployment(folder: Path, scenario: str) -> Deployment:
    file = folder / "scenarios" / f"{scenario}.bicepparam"
    committed = folder == INFRA
    found = json.loads(snapshot_of(file).read_text(encoding="utf-8")) if committed else compiler().snapshot(file)
    return Deployment(resources=tuple(map(_resource, found["predictedResources"])), outputs=found["outputs"])


@cache
def _compiled(folder: Path) -> dict[str, Any]:
    if folder != INFRA:
        return compiler().compile(folder / "main.bicep")
    compiled: dict[str, Any] = json.loads((folder / "azuredeploy.json").read_text(encoding="utf-8"))
    return compiled


def _resource(body: Mapping[str, Any]) -> Resource:
    found = re.match(r"(?:\[extensionResourceId\(')?/subscriptions/[^/]+/resourceGroups/([^/]+)/", body["id"])
    group = found[1] if found else DEPLOYMENT["resourceGroup"]
    return Resource(type=body["type"], name=look(body["name"]), id=body["id"], group=group, body=body)


def _type_and_name(id_: str) -> tuple[str, str]:
    namespace, *parts = id_.rpartition("/providers/")[2].split("/")
    return "/".join([namespace, *parts[::2]]), "/".join(parts[1::2])


def made(deployment: Deployment, type_: str) -> list[Resource]:
    return [one for one in deployment.resources if one.type == type_]


def names(deployment: Deployment, type_: str) -> set[str]:
    return {one.name.rpartition("/")[2] for one in made(deployment, type_)}


def only(deployment: Deployment, type_: str) -> Resource:
    (one,) = made(deployment, type_)
    return one
