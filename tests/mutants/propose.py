"""Candidates for the list: one-line changes of a file, each tried against tests; survivors are where a test may be missing.

    python -m tests.mutants.propose syncflow/runtime/delivery/lanes.py tests/runtime/test_lanes.py --most 40

Prints entries for ``mutants.yaml`` of those that were noticed, and the survivors as comments: read them, write the missing test,
or see that the change is none (it may do the same).
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

from tests.mutants.mutant import ROOT
from tests.mutants.workplace import Workplace

_COMPARED: dict[type[ast.AST], str] = {
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
}
_WRITTEN: dict[type[ast.AST], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.And: "and",
    ast.Or: "or",
}


class _Source:
    """A file's text with its lines, to cut pieces out of one line."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.splitlines(keepends=True)

    def piece(self, node: ast.expr) -> str:
        return ast.get_source_segment(self.text, node) or ""

    def replaced(self, line: int, start: int, end: int, new: str) -> str:
        """Columns are those of ``ast``: bytes."""
        before = self.lines[line - 1].encode()
        after = (before[:start] + new.encode() + before[end:]).decode()
        return "".join([*self.lines[: line - 1], after, *self.lines[line:]])


def changes(text: str) -> Iterator[str]:
    """Yield the file's text with one expression or statement changed, for each that can be."""
    source = _Source(text)
    for node in ast.walk(ast.parse(text)):
        if getattr(node, "lineno", None) != getattr(node, "end_lineno", None):
            continue
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            yield from _between(source, node.left, node.comparators[0], type(node.ops[0]), _COMPARED)
        elif isinstance(node, ast.BoolOp):
            other: dict[type[ast.AST], str] = {ast.And: "or", ast.Or: "and"}
            yield from _between(source, node.values[0], node.values[1], type(node.op), other)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield source.replaced(node.lineno, node.col_offset, node.operand.col_offset, "")
        elif isinstance(node, ast.Constant) and isinstance(node.value, (bool, int)) and node.end_col_offset:
            new = repr(not node.value) if isinstance(node.value, bool) else repr(node.value + 1)
            yield source.replaced(node.lineno, node.col_offset, node.end_col_offset, new)
        elif isinstance(node, ast.Expr) and isinstance(node.value, (ast.Call, ast.Await)) and node.end_col_offset:
            yield source.replaced(node.lineno, node.col_offset, node.end_col_offset, "pass")
        elif isinstance(node, ast.IfExp):
            start, end = node.test.col_offset, node.test.end_col_offset or 0
            yield source.replaced(node.lineno, start, end, f"not ({source.piece(node.test)})")


def _between(
    source: _Source, left: ast.expr, right: ast.expr, written: type[ast.AST], other: dict[type[ast.AST], str]
) -> Iterator[str]:
    """Change the operator between two expressions of one line."""
    if left.end_lineno != right.lineno or left.end_col_offset is None:
        return
    gap = source.lines[right.lineno - 1].encode()[left.end_col_offset : right.col_offset].decode()
    operator = f" {_WRITTEN[written]} "
    if gap.count(operator) == 1:
        new = gap.replace(operator, f" {other[written]} ")
        yield source.replaced(right.lineno, left.end_col_offset, right.col_offset, new)


def entry(before: str, after: str) -> tuple[str, str]:
    """Return the shortest whole lines that tell a change, unique in the file."""
    old, new = before.splitlines(), after.splitlines()
    at = next(i for i, (one, other) in enumerate(zip(old, new, strict=True)) if one != other)
    for first in range(at, -1, -1):
        piece = "\n".join(old[first : at + 1])
        if before.count(piece) == 1:
            return piece, "\n".join([*old[first:at], new[at]])
    raise ValueError("no piece of the file is unique")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("tests", nargs="+")
    parser.add_argument("--most", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    text = (ROOT / given.file).read_text("utf-8")
    candidates = sorted(set(changes(text)) - {text})
    chosen = Random(given.seed).sample(candidates, min(given.most, len(candidates)))
    with tempfile.TemporaryDirectory() as directory:
        place = Workplace.make(Path(directory) / "copy")
        if not place.passes(tuple(given.tests)):
            raise SystemExit("the tests fail without a change")
        for changed in chosen:
            _print(text, changed, noticed=place.is_noticed(given.file, changed, tuple(given.tests)))
    return 0


def _print(text: str, changed: str, *, noticed: bool) -> None:
    if noticed:
        before, after = entry(text, changed)
        sys.stdout.write(f"    - name: \n      before: {json.dumps(before)}\n      after: {json.dumps(after)}\n")
    else:
        lines = [*difflib.unified_diff(text.splitlines(), changed.splitlines(), lineterm="", n=1)][2:]
        sys.stdout.write("".join(f"    # SURVIVED {line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
