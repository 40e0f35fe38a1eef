"""Makes every mutant of a module: its source with one small defect, such as a write that is left out.

Left alone: docstrings, annotations, decorators, log lines and their fields, and constructors, because an object without
one of its parts fails at its first use.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

_SWAPPED: dict[type[ast.AST], str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.And: "or",
    ast.Or: "and",
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "//",
    ast.Div: "*",
    ast.FloorDiv: "*",
}
_LOG = ("log", "logger", "logging")


@dataclass(frozen=True, kw_only=True)
class Mutant:
    path: str
    line: int
    begins: int  # offsets in the bytes of the source
    ends: int
    replacement: str
    defect: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.defect}"

    def text(self) -> str:
        """The line of the source in which it is, without its comment."""
        return Path(self.path).read_text().splitlines()[self.line - 1].partition("  #")[0].strip()

    def source(self) -> bytes:
        original = Path(self.path).read_bytes()
        return original[: self.begins] + self.replacement.encode() + original[self.ends :]


def mutants_of(path: str) -> list[Mutant]:
    source = Path(path).read_bytes()
    return list(_Module(path, source).mutants(ast.parse(source)))


class _Module:
    def __init__(self, path: str, source: bytes) -> None:
        self._path, self._source = path, source
        self._lines = [0]
        for line in source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def mutants(self, node: ast.AST) -> Iterator[Mutant]:
        yield from self._at(node)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "type_params"):
                continue
            children = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, ast.AST)]
            yield from self._neighbors(children)
            for child in children:
                if not _is_left_alone(child):
                    yield from self.mutants(child)

    def _at(self, node: ast.AST) -> Iterator[Mutant]:  # noqa: C901, PLR0912 - one case for each kind of node
        match node:
            case ast.Expr(value=ast.Call() | ast.Await()) | ast.AugAssign() | ast.Return(value=None) | ast.Raise():
                yield self._mutant(node, "pass", "left out")
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
                yield self._mutant(node, "pass", "left out")
            case ast.Break():
                yield self._mutant(node, "continue", "changed")
            case ast.Continue():
                yield self._mutant(node, "break", "changed")
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
                yield self._mutant(test, f"(not ({self._text(test)}))", "changed")
            case ast.comprehension(ifs=[test, *_]):
                yield self._mutant(test, "True", "changed")
            case ast.ExceptHandler(type=ast.expr() as caught):
                yield self._mutant(caught, "()", "changed")
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield self._mutant(node, f"({self._text(operand)})", "changed")
            case ast.Constant(value=bool() as value):
                yield self._mutant(node, str(not value), "changed")
            case ast.Constant(value=int() | float() as value):
                yield self._mutant(node, str(value + 1), "changed")
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                yield from self._operator(node, operator, [left, right])
            case ast.BinOp(left=left, op=operator, right=right):
                yield from self._operator(node, operator, [left, right])
            case ast.BoolOp(op=operator, values=values):
                yield from self._operator(node, operator, values)

    def _operator(self, node: ast.AST, operator: ast.AST, operands: list[ast.expr]) -> Iterator[Mutant]:
        if type(operator) in _SWAPPED:
            joined = f" {_SWAPPED[type(operator)]} ".join(f"({self._text(one)})" for one in operands)
            yield self._mutant(node, f"({joined})", "changed")

    def _neighbors(self, children: list[ast.AST]) -> Iterator[Mutant]:
        """Two calls that follow each other, in the other order."""
        for first, second in pairwise(children):
            if all(isinstance(one, ast.Expr) and isinstance(one.value, ast.Await) for one in (first, second)):
                (begins, between), (after, ends) = self._span(first), self._span(second)
                gap = self._source[between:after].decode()
                swapped = f"{self._text(second)}{gap}{self._text(first)}"
                yield self._replaced(first, begins, ends, swapped, "in the other order")

    def _mutant(self, node: ast.AST, replacement: str, verb: str) -> Mutant:
        return self._replaced(node, *self._span(node), replacement, verb)

    def _replaced(self, node: ast.AST, begins: int, ends: int, replacement: str, verb: str) -> Mutant:
        was = " ".join(self._source[begins:ends].decode().split())
        defect = f"`{was}` becomes `{' '.join(replacement.split())}`" if verb == "changed" else f"`{was}` {verb}"
        return Mutant(
            path=self._path,
            line=node.lineno,  # type: ignore[attr-defined]
            begins=begins,
            ends=ends,
            replacement=replacement,
            defect=defect,
        )

    def _span(self, node: ast.AST) -> tuple[int, int]:
        return (
            self._lines[node.lineno - 1] + node.col_offset,  # type: ignore[attr-defined]
            self._lines[node.end_lineno - 1] + node.end_col_offset,  # type: ignore[attr-defined]
        )

    def _text(self, node: ast.AST) -> str:
        begins, ends = self._span(node)
        return self._source[begins:ends].decode()


def _is_left_alone(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))):
            return name in _LOG
        case ast.FunctionDef(name="__init__" | "log_context" | "__str__") | ast.Import() | ast.ImportFrom():
            return True
        case ast.keyword(arg="extra"):
            return True
        case ast.Assert() | ast.TypeAlias():
            return True
    return False
