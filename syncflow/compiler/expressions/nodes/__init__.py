"""The constructs of both languages, one class each: its parts, its type, what it tells where it holds, what is suspicious about it,
and its code. ``OPERATORS`` says which of them the two grammars write with a sign between two sides.

To add an operator: write its class, and put it under the name that its grammar's tree has for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from syncflow.compiler.expressions.node import Node, Statement, walk
from syncflow.compiler.expressions.nodes.arithmetic import Arithmetic, Joined, arithmetic
from syncflow.compiler.expressions.nodes.calls import Call, Reference
from syncflow.compiler.expressions.nodes.comparing import Comparator, Comparison
from syncflow.compiler.expressions.nodes.leaves import Constant, SelectList, SelectObject
from syncflow.compiler.expressions.nodes.logic import And, Conditional, Not, Or
from syncflow.compiler.expressions.nodes.paths import Chain, Current, Entry, Index, Name, Slice, Variable
from syncflow.compiler.expressions.nodes.projections import Flatten, Projection
from syncflow.compiler.expressions.nodes.statements import Block, For, If, Insert, Set, Target, Words
from syncflow.compiler.expressions.nodes.tests import Test

Operators: TypeAlias = Mapping[str, Callable[[Node, Node], Node]]

OPERATORS: Final[Operators] = {
    "or_expression": Or,
    "and_expression": And,
    "Or": Or,
    "And": And,
    "Add": arithmetic("+"),
    "Sub": arithmetic("-"),
    "Mul": arithmetic("*"),
    "Div": arithmetic("/"),
    "FloorDiv": arithmetic("//"),
    "Mod": arithmetic("%"),
}
"""Name in the tree of jmespath's parser, or of Jinja's → what makes the node of its two sides."""

__all__ = [
    "OPERATORS",
    "And",
    "Arithmetic",
    "Block",
    "Call",
    "Chain",
    "Comparator",
    "Comparison",
    "Conditional",
    "Constant",
    "Current",
    "Entry",
    "Flatten",
    "For",
    "If",
    "Index",
    "Insert",
    "Joined",
    "Name",
    "Node",
    "Not",
    "Operators",
    "Or",
    "Projection",
    "Reference",
    "SelectList",
    "SelectObject",
    "Set",
    "Slice",
    "Statement",
    "Target",
    "Test",
    "Variable",
    "Words",
    "walk",
]
