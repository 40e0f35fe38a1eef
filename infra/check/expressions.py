"""Evaluates Bicep expressions: literals, operators, loops, and what is read from parameters, resources and modules."""

import operator
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tree_sitter import Node

from infra.check.functions import FUNCTIONS, LOADERS, Refusal, Runtime, holds_runtime, text_of
from infra.check.syntax import BicepError, children, entries, json_file, literal, pieces, text

_BINARY: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.floordiv,
    "%": operator.mod,
}
_OPERANDS = frozenset(
    {
        *("string", "number", "boolean", "null", "array", "object", "for_statement"),
        *("identifier", "call_expression", "parenthesized_expression", "resource_expression"),
    }
)


class Expressions:
    """The expressions of one file. `lookup` gives a symbol's value, `nested` a resource's inner one."""

    def __init__(self, file: Path, lookup: Callable[[str, Node], Any]) -> None:
        self._file, self._lookup = file, lookup

    def value(self, node: Node, local: Mapping[str, Any]) -> Any:  # noqa: C901 - one case for each kind of node
        parts = children(node)
        match node.type:
            case "string":
                return self._string(node, local)
            case "number":
                return int(text(node))
            case "boolean":
                return text(node) == "true"
            case "null":
                return None
            case "array":
                return [self.value(part, local) for part in parts]
            case "object":
                return {str(self.key(key, local)): self.value(value, local) for key, value in entries(node)}
            case "parenthesized_expression":
                return self.value(parts[0], local)
            case "identifier":
                name = text(node)
                return local[name] if name in local else self._lookup(name, node)
            case "call_expression":
                return self._call(node, parts, local)
            case "resource_expression":
                return self._element(node, self.value(parts[0], local).nested, text(parts[1]))
            case "for_statement":
                return [self.value(body, inner) for body, inner in self.loop(node, local)]
        return self._operation(node, local, _itself)

    def known(self, node: Node, local: Mapping[str, Any]) -> Any:
        """A value that Azure must know before it deploys anything."""
        value = self.value(node, local)
        if holds_runtime(value):
            raise BicepError(self._file, node, f"{text(node)} must be known before the deployment")
        return value

    def key(self, node: Node, local: Mapping[str, Any]) -> Any:
        return self._string(node, local) if node.type == "string" else text(node)

    def loop(self, node: Node, local: Mapping[str, Any]) -> Iterator[tuple[Node, dict[str, Any]]]:
        """The body of a loop and the variables of each turn."""
        head, over, body = children(node)
        names = [text(name) for name in children(head)] or [text(head)]
        for index, item in enumerate(self.known_length(over, local)):
            yield body, {**local, **dict(zip(names, (item, index), strict=False))}

    def known_length(self, node: Node, local: Mapping[str, Any]) -> list[Any]:
        """An array whose elements may be Azure's, but not their number."""
        value = self.value(node, local)
        if isinstance(value, Runtime):
            raise BicepError(self._file, node, f"{text(node)} must be known before the deployment")
        return list(value)

    def _string(self, node: Node, local: Mapping[str, Any]) -> str:
        values = [piece if isinstance(piece, str) else self.value(piece, local) for piece in pieces(node)]
        whole = "".join(map(text_of, values))
        return Runtime(whole) if any(map(holds_runtime, values)) else whole

    def _operation(self, node: Node, local: Mapping[str, Any], then: Callable[[Any], Any]) -> Any:
        """What `then` makes of a value; of an operation's last operand, since there a postfix binds.

        The grammar has `a ? b : c.d` as the member d of the whole: here it is put where Bicep has it.
        """
        parts = children(node)
        match node.type:
            case "ternary_expression":
                chosen = self.known(parts[0], local)
                return self.value(parts[1], local) if chosen else self._operation(parts[2], local, then)
            case "unary_expression":
                value = self._operation(parts[0], local, then)
                return Runtime(text(node)) if isinstance(value, Runtime) else not value
            case "binary_expression":
                return self._binary(node, parts, local, then)
            case "member_expression":
                return self._operation(parts[0], local, lambda of: then(self._member(node, of, text(parts[1]))))
            case "subscript_expression":
                index = self.known(parts[1], local)
                return self._operation(parts[0], local, lambda of: then(self._element(node, of, index)))
            case kind if kind in _OPERANDS:
                return then(self.value(node, local))
        raise BicepError(self._file, node, f"{node.type.replace('_', ' ')}: can't be evaluated here")

    def _binary(self, node: Node, parts: list[Node], local: Mapping[str, Any], then: Callable[[Any], Any]) -> Any:
        sign = next(text(child) for child in node.children if not child.is_named)
        if _holds_ternary(parts[0]):
            raise BicepError(
                self._file, node, "put the conditional expression, or the comparison after it, in parentheses"
            )
        left = self.value(parts[0], local)
        match sign:
            case "??":
                return left if left is not None else self._operation(parts[1], local, then)
            case "&&" | "||":
                return left if bool(left) == (sign == "||") else self._operation(parts[1], local, then)
        right = self._operation(parts[1], local, then)
        return Runtime(text(node)) if holds_runtime([left, right]) else _BINARY[sign](left, right)

    def _call(self, node: Node, parts: list[Node], local: Mapping[str, Any]) -> Any:
        name = text(parts[0])
        if name in LOADERS:
            loaded = self._file.parent / (literal(children(parts[1])[0]) or "")
            if not loaded.is_file():
                raise BicepError(self._file, node, f"file {loaded.name} not found")
            return json_file(loaded) if name == "loadJsonContent" else loaded.read_text(encoding="utf-8")
        if name not in FUNCTIONS:
            raise BicepError(self._file, node, f"the function {name} isn't known here")
        arguments = [self.value(part, local) for part in children(parts[1])]
        if any(isinstance(argument, Runtime) for argument in arguments):
            return Runtime(f"{name}({', '.join(map(text_of, arguments))})")
        try:
            return FUNCTIONS[name](*arguments)
        except Refusal as refusal:
            raise BicepError(self._file, node, str(refusal)) from None

    def _member(self, node: Node, owner: Any, name: str) -> Any:
        forgiving = any(child.type == ".?" for child in node.children)
        if isinstance(owner, Mapping):
            if name not in owner and not forgiving:
                raise BicepError(self._file, node, f"{text(node)}: there is no {name}")
            return owner.get(name)
        if owner is None and forgiving:
            return None
        if owner is None or (isinstance(owner, str) and not isinstance(owner, Runtime)):
            raise BicepError(self._file, node, f"{text(node)} is read from null")
        value = owner.member(name)
        if value is None and not forgiving:
            raise BicepError(self._file, node, f"{text(node)} is read, but {owner.symbol} isn't deployed")
        return value

    def _element(self, node: Node, owner: Any, index: Any) -> Any:
        try:
            return owner[index]
        except (LookupError, TypeError):
            raise BicepError(self._file, node, f"{text(node)}: there is no {index}") from None


def _itself(value: Any) -> Any:
    return value


def _holds_ternary(node: Node) -> bool:
    if node.type in {"member_expression", "subscript_expression"}:
        return _holds_ternary(children(node)[0])
    return node.type == "ternary_expression"
