"""Bicep files as declarations: what is declared, with which decorators, and the syntax tree of its value.

A file that can't be parsed completely is refused, with the line: nothing is skipped silently.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_bicep.language()))
_KINDS = {
    "parameter_declaration": "param",
    "variable_declaration": "var",
    "resource_declaration": "resource",
    "module_declaration": "module",
    "output_declaration": "output",
}
_HARMLESS = frozenset({"comment", "target_scope_assignment", "decorators", "using_statement"})


class BicepError(Exception):
    """An error in a template, with its location."""

    def __init__(self, file: Path, node: Node | None, message: str) -> None:
        self.place = file.name if node is None else f"{file.name}:{node.start_point.row + 1}"
        super().__init__(f"{self.place}: {message}")


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """One `param`, `var`, `resource`, `module` or `output`."""

    kind: str
    name: str
    node: Node
    value: Node | None  # None for a parameter without default
    type: str = ""  # of a resource: type@version; of a module: its path; else the declared type
    existing: bool = False
    decorators: Mapping[str, Node | None] = field(default_factory=dict)  # each with its argument

    @property
    def required(self) -> bool:
        return self.kind == "param" and self.value is None and not self.type.endswith("?")


@dataclass(frozen=True, kw_only=True)
class Template:
    """One parsed file. Outputs are separate, because they may share a name with a symbol."""

    file: Path
    source: str
    root: Node
    declarations: tuple[Declaration, ...]

    @property
    def symbols(self) -> dict[str, Declaration]:
        return {one.name: one for one in self.declarations if one.kind != "output"}

    @property
    def params(self) -> dict[str, Declaration]:
        return {name: one for name, one in self.symbols.items() if one.kind == "param"}

    @property
    def outputs(self) -> dict[str, Declaration]:
        return {one.name: one for one in self.declarations if one.kind == "output"}

    def module(self, declaration: Declaration) -> "Template":
        """The local template of a module."""
        file = (self.file.parent / declaration.type).resolve()
        if not file.is_file():
            raise BicepError(self.file, declaration.node, f"module {declaration.type} not found")
        return read(file)


@cache
def read(file: Path) -> Template:
    """Raises BicepError for a file that can't be parsed or has an unsupported statement."""
    source = file.read_text(encoding="utf-8")
    if file.suffix == ".bicepparam":  # the grammar doesn't know these: their values are read as vars
        source = re.sub(r"(?m)^using .*$", "", source)
        source = re.sub(r"(?m)^param(?= \w+ =)", "var", source)
    root = _PARSER.parse(source.encode()).root_node
    for broken in _broken(root):
        raise BicepError(file, broken, f"can't be parsed near {text(broken).strip()[:40]!r}")
    return Template(file=file, source=source, root=root, declarations=tuple(_declarations(file, root)))


def _broken(node: Node) -> Iterator[Node]:
    if node.is_error or node.is_missing:
        yield node
    for child in node.children:
        yield from _broken(child)


def _declarations(file: Path, root: Node) -> Iterator[Declaration]:
    decorators: dict[str, Node | None] = {}
    for node in root.named_children:
        if node.type in _KINDS:
            yield declaration(file, node, decorators)
        elif node.type == "decorators":
            decorators = dict(_decorator(one) for one in children(node))
            continue
        elif node.type not in _HARMLESS:
            raise BicepError(file, node, f"{node.type.replace('_', ' ')}: this project's templates don't use it")
        if node.type != "comment":
            decorators = {}


def declaration(file: Path, node: Node, decorators: Mapping[str, Node | None]) -> Declaration:
    kind, parts = _KINDS[node.type], children(node)
    existing, type_, value = any(child.type == "existing" for child in node.children), "", parts[-1]
    if kind in {"resource", "module"}:
        type_ = literal(parts[1]) or ""
        if not type_:
            raise BicepError(file, node, f"the type of a {kind} must be a plain string")
    elif kind in {"param", "output"}:
        type_ = text(parts[1])
    return Declaration(
        kind=kind,
        name=text(parts[0]),
        node=node,
        value=None if kind == "param" and len(parts) == 2 else value,  # noqa: PLR2004 - a name and a type
        type=type_,
        existing=existing,
        decorators=decorators,
    )


def _decorator(node: Node) -> tuple[str, Node | None]:
    call = children(node)[0]
    name, arguments = children(call)[0], children(children(call)[-1])
    return text(name), arguments[0] if arguments else None


def children(node: Node) -> list[Node]:
    return [child for child in node.named_children if child.type != "comment"]


def text(node: Node) -> str:
    return (node.text or b"").decode()


def literal(node: Node) -> str | None:
    """The value of a string without interpolation, else None."""
    if node.type != "string" or any(child.type == "interpolation" for child in node.children):
        return None
    return "".join(piece for piece in pieces(node) if isinstance(piece, str))


def pieces(node: Node) -> Iterator[str | Node]:
    """The literal parts of a string, and its expressions."""
    whole = text(node)
    if whole.startswith("'''"):
        yield whole[3:-3].removeprefix("\n")
        return
    for child in node.named_children:
        if child.type == "interpolation":
            yield children(child)[0]
        else:
            yield _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), text(child))


_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def entries(node: Node) -> Iterator[tuple[Node, Node]]:
    """Key and value of each property of an object; nested resources are left out."""
    for child in children(node):
        parts = children(child)
        if child.type == "object_property" and parts[0].type != "resource_declaration":
            yield parts[0], parts[1]


def nested_resources(file: Path, node: Node) -> Iterator[Declaration]:
    """The resources declared inside the object of another."""
    for child in children(node):
        first = children(child)[0]
        if child.type == "object_property" and first.type == "resource_declaration":
            yield declaration(file, first, {})


def json_file(file: Path) -> object:
    return json.loads(file.read_text(encoding="utf-8"))
