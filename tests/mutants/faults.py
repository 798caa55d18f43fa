"""Small faults in a module: a comparison, a sign, a constant, a condition turned round. Sources in, sources out."""

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


@dataclass(frozen=True)
class Fault:
    """One changed place of one module: ``number`` counts the places that can be changed, in order."""

    number: int
    line: int
    before: str
    after: str


def faults_of(source: str) -> list[Fault]:
    """Return every fault that can be made in a module."""
    return [fault for fault, _ in _changes(ast.parse(source))]


def with_fault(source: str, fault: Fault) -> str:
    """Return the module's source with one fault in it; comments are lost, which no test looks at."""
    tree = ast.parse(source)
    for known, change in _changes(tree):
        if known.number == fault.number:
            change()
            return ast.unparse(tree)
    msg = f"expected one of the module's faults, found number {fault.number}"
    raise ValueError(msg)


def _changes(tree: ast.Module) -> Iterator[tuple[Fault, _Change]]:
    number = 0
    for node in ast.walk(tree):
        for place in _places(node):
            before = ast.unparse(node)
            yield Fault(number, node.lineno, before[:80], place.words), place
            number += 1


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
