"""The names of a template: each is declared once and used, and exists if a module or a parameter file names it.

Evaluation looks only at what one set of parameters reaches; this looks at every line.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tree_sitter import Node

from infra.check.functions import FUNCTIONS, LOADERS
from infra.check.syntax import BicepError, Template, children, entries, literal, read, text

_DECORATORS = frozenset({"allowed", "description", "maxLength", "maxValue", "minLength", "minValue", "secure"})
_NEVER = {  # symbols that templates must not use, and why
    "listKeys": "reads keys: an identity does without",
    "listAccountSas": "makes a shared access signature: an identity does without",
    "utcNow": "changes from one deployment to the next",
    "newGuid": "changes from one deployment to the next",
}


def findings(file: Path) -> Iterator[str]:
    """The errors of one file, with their locations. Raises BicepError if the file can't be parsed."""
    template = read(file.resolve())
    for message in (*_declared_once(template), *_used(template), *_parameters(template), *_modules(template)):
        yield str(message)
    yield from map(str, _identifiers(template, template.root, frozenset()))


def parameter_findings(file: Path) -> Iterator[str]:
    """The same for a .bicepparam file: parameters that its template lacks, or requires."""
    given = read(file.resolve())
    using = next(line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("using "))
    target = read((file.parent / using.split("'")[1]).resolve())
    yield from map(str, _given(given, given.root, given.symbols.keys(), target))


def _declared_once(template: Template) -> Iterator[BicepError]:
    for kind in (True, False):
        names = Counter(one.name for one in template.declarations if (one.kind == "output") is kind)
        for name in (name for name, count in names.items() if count > 1):
            yield BicepError(template.file, None, f"{name} is declared twice")


def _used(template: Template) -> Iterator[BicepError]:
    used = set(_named(template.root))
    for one in template.declarations:
        if one.kind in {"param", "var"} and one.name not in used:
            yield BicepError(template.file, one.node, f"{one.name} isn't used")


def _named(node: Node) -> Iterator[str]:
    """Every identifier, save the one that a declaration gives and those of properties."""
    parts = children(node)
    if node.type.endswith("_declaration") or (node.type == "object_property" and parts[0].type == "identifier"):
        parts = parts[1:]
    for part in parts:
        if part.type == "identifier":
            yield text(part)
        yield from _named(part)


def _parameters(template: Template) -> Iterator[BicepError]:
    for one in template.params.values():
        if "description" not in one.decorators:
            yield BicepError(template.file, one.node, f"{one.name} has no description")
        for decorator in one.decorators.keys() - _DECORATORS:
            yield BicepError(template.file, one.node, f"@{decorator} isn't known here")


def _modules(template: Template) -> Iterator[BicepError]:
    for one in template.declarations:
        if one.kind != "module" or one.value is None:
            continue
        if one.type.startswith(("br:", "br/", "ts:", "ts/")):
            yield BicepError(template.file, one.node, f"{one.type} needs a download to compile: use a local module")
            continue
        try:
            target = template.module(one)
        except BicepError as error:
            yield error
            continue
        given = next((value for key, value in entries(_object(one.value)) if text(key) == "params"), None)
        names = {text(key) for key, _ in entries(given)} if given is not None else set()
        yield from _given(template, one.node, names, target)


def _given(template: Template, node: Node, names: Iterable[str], target: Template) -> Iterator[BicepError]:
    given = set(names)
    for name in sorted(given - target.params.keys()):
        yield BicepError(template.file, node, f"{target.file.name} has no parameter {name}")
    for name, one in target.params.items():
        if one.required and name not in given:
            yield BicepError(template.file, node, f"{target.file.name} needs the parameter {name}")


def _object(node: Node) -> Node:
    """The object of a module or resource, inside its loop and condition."""
    while node.type != "object":
        node = children(node)[-1]
    return node


def _identifiers(template: Template, node: Node, local: frozenset[str]) -> Iterator[BicepError]:  # noqa: C901 - one case for each kind of node
    parts = children(node)
    match node.type:
        case "parameter_declaration" | "output_declaration":
            parts = parts[2:]  # a name and a type
        case "variable_declaration" | "resource_declaration" | "module_declaration":
            parts = parts[1:]
        case "decorators" | "comment":
            return
        case "object_property" if parts[0].type == "identifier":
            parts = parts[1:]
        case "resource_expression":
            parts = parts[:1]
        case "for_statement":
            local |= {text(name) for name in children(parts[0])} or {text(parts[0])}
            parts = parts[1:]
        case "call_expression" if parts[0].type == "identifier":
            yield from _call(template, node, text(parts[0]))
            parts = parts[1:]
        case "member_expression":
            yield from _output(template, node, parts)
    for part in parts:
        if part.type == "identifier" and text(part) not in local and text(part) not in template.symbols:
            yield BicepError(template.file, part, f"{text(part)} isn't declared")
        yield from _identifiers(template, part, local)


def _call(template: Template, node: Node, name: str) -> Iterator[BicepError]:
    if name in _NEVER and not (name == "newGuid" and _is_new_secret(template, node)):
        yield BicepError(template.file, node, f"{name} {_NEVER[name]}")
    elif name in LOADERS:
        loaded = literal(children(children(node)[1])[0])
        if loaded is None or not (template.file.parent / loaded).is_file():
            yield BicepError(template.file, node, f"file {loaded} not found")
    elif name not in FUNCTIONS:
        yield BicepError(template.file, node, f"the function {name} isn't known here")


def _is_new_secret(template: Template, node: Node) -> bool:
    """Whether a call is in the default of a secure parameter, where templates create secrets."""
    above: Node | None = node
    while above is not None and above.type != "parameter_declaration":
        above = above.parent
    return above is not None and "secure" in template.params[text(children(above)[0])].decorators


def _output(template: Template, node: Node, parts: list[Node]) -> Iterator[BicepError]:
    """`module.outputs.name`: whether the module has it."""
    of = children(parts[0])
    if parts[0].type != "member_expression" or text(of[-1]) != "outputs":
        return
    owner = of[0]
    while owner.type in {"ternary_expression", "binary_expression", "unary_expression"}:
        owner = children(owner)[-1]  # where the grammar bound a postfix to the whole operation
    one = template.symbols.get(text(owner))
    if one is not None and one.kind == "module" and text(parts[1]) not in template.module(one).outputs:
        yield BicepError(template.file, node, f"{one.type} has no output {text(parts[1])}")
