"""Secrets: what is given as one stays one through every module, and none comes out."""

from collections.abc import Iterator

from tree_sitter import Node

from infra.check.syntax import Template, children, entries, read, text
from tests.infra.templates import Templates

SECRET = {"participantsSecret", "sampleFunctionKey", "sampleResultUrl", "extraSettings"}


def what_may_be_secret_is_in_no_history(templates: Templates) -> None:
    """A deployment keeps its parameters for whoever may read it, a module's too, save those that are secure."""
    main = read((templates.folder / "main.bicep").resolve())
    assert {name for name, one in main.params.items() if "secure" in one.decorators} == SECRET
    given = set()
    for module in (one for one in main.declarations if one.kind == "module"):
        target = main.module(module)
        for name, value in _given(module.value):
            if _named(main, value) & SECRET:
                given.add(name)
                assert "secure" in target.params[name].decorators, f"{module.name}: {name}"
    assert given == {"settings", "functionKey", "resultUrl"}


def no_secret_comes_out(templates: Templates) -> None:
    for file in templates.folder.rglob("*.bicep"):
        template = read(file.resolve())
        secret = {name for name, one in template.params.items() if "secure" in one.decorators}
        for output in template.outputs.values():
            assert not _named(template, output.node) & secret


def _given(body: Node | None) -> Iterator[tuple[str, Node]]:
    while body is not None and body.type != "object":  # inside its condition
        body = children(body)[-1]
    for key, value in entries(body) if body is not None else ():
        if text(key) == "params":
            yield from ((text(name), given) for name, given in entries(value))


def _named(template: Template, node: Node) -> set[str]:
    """Every symbol that a value is made of, through the variables."""
    found = {text(node)} if node.type == "identifier" else set()
    for child in children(node):
        found |= _named(template, child)
    variables = {name for name in found if name in template.symbols and template.symbols[name].kind == "var"}
    return found.union(*(_named(template, template.symbols[name].value or node) for name in variables))
