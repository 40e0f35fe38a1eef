"""Callers must pass `by` explicitly: a default would put the wrong name into the audit."""

import ast
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
SOURCES = [CHECKOUT / "function_app.py", *sorted((CHECKOUT / "shared").rglob("*.py"))]


def test_no_function_and_no_record_has_a_default_for_who_did_it():
    defaults = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                positional = [*node.args.posonlyargs, *node.args.args]
                given = dict(zip(reversed(positional), reversed(node.args.defaults), strict=False))
                given |= {
                    one: value for one, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if value
                }
                defaults += [f"{path.name}: {node.name}" for one in given if one.arg == "by"]
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "by":
                value = node.value
                is_view = isinstance(value, ast.Call) and not any(
                    keyword.arg in {"default", "default_factory"} for keyword in value.keywords
                )
                defaults += [f"{path.name}: by"] if value is not None and not is_view else []
    assert defaults == []
