"""Evaluates a template with given parameters into the resources that a deployment would make.

What Azure alone knows becomes a `Runtime` value. One that is used where Azure must know beforehand (a name, a
condition, the length of a loop), or that is read from what isn't deployed under these parameters, is an error: the
compiler finds the first, and only a deployment would find the second.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tree_sitter import Node

from infra.check.expressions import Expressions
from infra.check.functions import GROUP, Runtime, Scope, resource_id
from infra.check.syntax import BicepError, Declaration, Template, children, nested_resources, read

_TYPES: Mapping[str, type] = {"string": str, "int": int, "bool": bool, "array": list, "object": dict}


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource as it would be deployed; an `existing` one is only referenced."""

    symbol: str
    type: str
    name: str
    id: str
    group: str
    body: Mapping[str, Any]
    existing: bool
    deployed: bool
    file: str
    nested: dict[str, "Resource"]
    scope: "Resource | None"

    @property
    def properties(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.body.get("properties", {})
        return found

    def member(self, name: str) -> Any:
        """The value of `resource.name`; None if it belongs to a resource that isn't deployed."""
        if name in {"id", "type"}:
            return getattr(self, name)
        if name == "name":
            return self.name.rpartition("/")[2]
        return Runtime(self.id, self.body).member(name) if self.deployed else None


@dataclass(frozen=True, kw_only=True)
class Module:
    """A module's outputs, as the template around it reads them: a nested deployment of its own gives them."""

    symbol: str
    outputs: Mapping[str, Any] | None

    def member(self, name: str) -> Any:
        return self.outputs if name == "outputs" else self.symbol


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What a template would deploy, its modules included."""

    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any]

    def of_type(self, type_: str) -> list[Resource]:
        return [one for one in self.resources if one.type == type_]


def evaluate(file: Path, params: Mapping[str, Any], group: str = GROUP) -> Deployment:
    """Raises BicepError for errors of compiler or deployment, as far as they can be detected offline."""
    return _Evaluation(read(file.resolve()), params, group).run()


def parameters_of(file: Path) -> tuple[Path, dict[str, Any]]:
    """The template that a .bicepparam file is for, and the values that it gives."""
    using = next(line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("using "))
    given = _Evaluation(read(file.resolve()), {}, GROUP)
    return file.parent / using.split("'")[1], {name: given.symbol(name) for name in given.template.symbols}


class _Evaluation:
    """One template with one set of parameters."""

    def __init__(self, template: Template, params: Mapping[str, Any], group: str) -> None:
        self.template, self._params, self._group = template, params, group
        self._expressions = Expressions(template.file, self.symbol)
        self._values: dict[str, Any] = {}
        self._resources: list[Resource] = []
        unknown = params.keys() - template.params.keys()
        if unknown:
            raise BicepError(template.file, None, f"unknown parameters: {', '.join(sorted(unknown))}")

    def run(self) -> Deployment:
        for name in self.template.symbols:
            self.symbol(name)
        outputs = {name: self._value(one.value) for name, one in self.template.outputs.items() if one.value}
        return Deployment(resources=tuple(self._resources), outputs=outputs)

    def symbol(self, name: str, node: Node | None = None) -> Any:
        if name not in self._values:
            if name not in self.template.symbols:
                raise BicepError(self.template.file, node, f"{name} isn't declared")
            self._values[name] = self._declared(self.template.symbols[name])
        return self._values[name]

    def _value(self, node: Node) -> Any:
        return self._expressions.value(node, {})

    def _declared(self, one: Declaration) -> Any:
        if one.kind == "param":
            return self._parameter(one)
        if one.value is None:
            raise BicepError(self.template.file, one.node, f"{one.name} has no value")
        if one.kind == "var":
            return self._value(one.value)
        found: list[Resource | Module]
        if one.kind == "module":
            found = [self._module(one, body, local, on=on) for body, local, on in self._turns(one.value)]
        else:
            found = [self._resource(one, body, local, None, on=on) for body, local, on in self._turns(one.value)]
        return found if one.value.type == "for_statement" else found[0]

    def _parameter(self, one: Declaration) -> Any:
        if one.required and one.name not in self._params:
            raise BicepError(self.template.file, one.node, f"the parameter {one.name} is missing")
        value = self._params.get(one.name, self._value(one.value) if one.value else None)
        if value is not None and not isinstance(value, _TYPES[one.type.removesuffix("?")]):
            raise BicepError(self.template.file, one.node, f"{one.name} must be of type {one.type}")
        for name, argument in one.decorators.items():
            limit = self._value(argument) if argument else None
            if not _obeys(value, name, limit):
                raise BicepError(self.template.file, one.node, f"{one.name} = {value!r} breaks @{name}({limit})")
        return value

    def _turns(self, node: Node) -> Iterator[tuple[Node, Mapping[str, Any], bool]]:
        """The object of each resource that a declaration makes, with its loop's variables and its condition."""
        turns = self._expressions.loop(node, {}) if node.type == "for_statement" else [(node, {})]
        for body, local in turns:
            if body.type == "if_statement":
                condition, inner = children(body)
                yield inner, local, bool(self._expressions.known(condition, local))
            else:
                yield body, local, True

    def _resource(
        self, one: Declaration, body: Node, local: Mapping[str, Any], outer: Resource | None, *, on: bool
    ) -> Resource:
        said = dict(self._entries(body, local))
        parent: Resource | None = self._expressions.value(said["parent"], local) if "parent" in said else outer
        scope: Any = self._expressions.value(said["scope"], local) if "scope" in said else None
        own = self._expressions.known(said["name"], local)
        kind, _, _ = one.type.partition("@")
        type_ = f"{outer.type}/{kind}" if outer else kind
        name = f"{parent.name}/{own}" if parent else own
        group = scope["name"] if isinstance(scope, Scope) else self._group
        where = resource_id(group, type_, *name.split("/"))
        on_resource = isinstance(scope, Resource)
        resource = Resource(
            symbol=one.name,
            type=type_,
            name=name,
            id=f"{scope.id}{where[where.index('/providers/') :]}" if on_resource else where,
            group=group,
            # Skips resources that aren't deployed, because they may refer to other undeployed resources.
            body=self._expressions.value(body, local) if on else {},
            existing=one.existing,
            deployed=on,
            file=self.template.file.name,
            nested={},
            scope=scope if on_resource else None,
        )
        if on:
            self._resources.append(resource)
        if outer is None:
            self._values[one.name] = resource  # nested resources may read it
        for inner in nested_resources(self.template.file, body):
            for deeper, turn, condition in self._turns(inner.value or body):
                made = self._resource(inner, deeper, {**local, **turn}, resource, on=on and condition)
                resource.nested[inner.name] = made
        return resource

    def _module(self, one: Declaration, body: Node, local: Mapping[str, Any], *, on: bool) -> Module:
        said = dict(self._entries(body, local))
        target = self.template.module(one)
        if not on:
            return Module(symbol=one.name, outputs=None)
        params = self._expressions.value(said["params"], local) if "params" in said else {}
        scope = self._expressions.known(said["scope"], local) if "scope" in said else None
        self._expressions.known(said["name"], local) if "name" in said else None
        inner = _Evaluation(target, _settled(params), scope["name"] if scope else self._group).run()
        self._resources.extend(inner.resources)
        outputs = {name: Runtime(value) if isinstance(value, str) else value for name, value in inner.outputs.items()}
        return Module(symbol=one.name, outputs=outputs)

    def _entries(self, body: Node, local: Mapping[str, Any]) -> Iterator[tuple[str, Node]]:
        for child in children(body):
            parts = children(child)
            if child.type == "object_property" and parts[0].type != "resource_declaration":
                yield str(self._expressions.key(parts[0], local)), parts[1]


def _settled(value: Any) -> Any:
    """Values as a module gets them: known by then, whatever they were outside."""
    match value:
        case Mapping():
            return {name: _settled(item) for name, item in value.items()}
        case list():
            return [_settled(item) for item in value]
        case Runtime():
            return str.__str__(value)
    return value


def _obeys(value: Any, decorator: str, limit: Any) -> bool:
    match decorator:
        case "allowed":
            return bool(value in limit)
        case "minValue":
            return bool(value >= limit)
        case "maxValue":
            return bool(value <= limit)
        case "minLength":
            return bool(len(value) >= limit)
        case "maxLength":
            return bool(len(value) <= limit)
    return True
