"""Small faults in a module: a comparison, a sign, a constant, a condition turned round. Sources in, sources out.

Only what decides something is made wrong. Left alone are type annotations, arguments of decorators, the words of
messages, ``strict=`` of ``zip``, which guards against a fault of the program and says nothing of its own, and by how
much JSON is indented, which no reader of it sees.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}
SETTINGS_OF_CHECKS = ("strict", "repr", "kw_only", "indent")
SHOWN = 80


@dataclass(frozen=True)
class Fault:
    """One changed place of one module.

    Parameters
    ----------
    number
        Of the place among those of the module that can be changed, in order.
    line, text
        In the source as it stands: number, and what stands there.
    function
        Dotted name of the function or class around it; empty outside any.
    before, after
        The expression, and what takes the place of its operator, call or constant.
    """

    number: int
    line: int
    text: str
    function: str
    before: str
    after: str


def faults_of(source: str) -> list[Fault]:
    """Return every fault that can be made in a module."""
    return [fault for fault, _ in _changes(ast.parse(source), source.splitlines())]


def with_fault(source: str, fault: Fault) -> ast.Module:
    """Return the module with one fault in it, each line where it was."""
    tree = ast.parse(source)
    for other, change in _changes(tree, source.splitlines()):
        if other.number == fault.number:
            change()
            return ast.fix_missing_locations(tree)
    msg = f"expected one of the module's faults, found number {fault.number}"
    raise ValueError(msg)


def _changes(tree: ast.Module, lines: list[str]) -> Iterator[tuple[Fault, _Change]]:
    number = 0
    for node, function in _deciding(tree, ""):
        for change in _places(node):
            text = lines[node.lineno - 1].strip()
            yield Fault(number, node.lineno, text, function, ast.unparse(node)[:SHOWN], change.words), change
            number += 1


def _deciding(node: ast.AST, function: str) -> Iterator[tuple[ast.expr, str]]:
    for field, child in _children(node):
        if _is_said_or_declared(node, field, child):
            continue
        if isinstance(child, ast.expr):
            yield child, function
        named = isinstance(child, ast.FunctionDef | ast.ClassDef)
        yield from _deciding(child, f"{function}.{child.name}".lstrip(".") if named else function)


def _children(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield field, child


def _is_said_or_declared(parent: ast.AST, field: str, child: ast.AST) -> bool:
    """Say whether a part is an annotation, a decorator, a message or a setting of a check: it decides nothing."""
    if field in {"annotation", "returns", "decorator_list", "exc"}:
        return True
    if isinstance(child, ast.keyword) and child.arg in SETTINGS_OF_CHECKS:
        return True
    return isinstance(parent, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "msg" for t in parent.targets)


@dataclass(frozen=True)
class _Change:
    node: ast.AST
    field: str
    index: int | None
    value: object
    words: str

    def __call__(self) -> None:
        if self.index is None:
            setattr(self.node, self.field, self.value)
        else:
            getattr(self.node, self.field)[self.index] = self.value


def _places(node: ast.AST) -> Iterator[_Change]:
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            if type(operator) in SWAPPED:
                other = SWAPPED[type(operator)]
                yield _Change(node, "ops", index, other(), other.__name__)
    elif isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in SWAPPED:
        if isinstance(node, ast.BoolOp) or not _is_text(node):
            yield _Change(node, "op", None, SWAPPED[type(node.op)](), SWAPPED[type(node.op)].__name__)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
        other_call = ast.Name(CALLS[node.func.id], ast.Load())
        yield _Change(node, "func", None, other_call, other_call.id)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield _Change(node, "op", None, ast.UAdd(), "without not")
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield _Change(node, "value", None, not node.value, str(not node.value))
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield _Change(node, "value", None, node.value + 1, str(node.value + 1))


def _is_text(node: ast.BinOp) -> bool:
    return any(isinstance(side, ast.JoinedStr) or _is_string(side) for side in (node.left, node.right))


def _is_string(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
