"""Every node knows where it was written; what is no expression is refused at its place, in words."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings

from syncflow.compiler.expressions import nodes
from syncflow.compiler.expressions.nodes import walk
from syncflow.compiler.expressions.parse import parse
from syncflow.compiler.functions import FUNCTIONS
from syncflow.compiler.single_expressions import ExpressionError
from tests.compiler.expressions.strategies import EXPRESSIONS
from tests.effort import examples


def _written(text: str) -> list[tuple[str, str]]:
    return [
        (type(node).__name__, text[node.offset : node.offset + node.length])
        for node in walk(parse(text, FUNCTIONS))
        if node.length
    ]


PLACED = [
    ("a.b", [("Chain", "a.b"), ("Name", "a"), ("Name", "b")]),
    ('"a b" . c', [("Chain", '"a b" . c'), ("Name", '"a b"'), ("Name", "c")]),
    ("a[?b > `1` ].c", [
        ("Projection", "a[?b > `1` ].c"), ("Name", "a"), ("Comparison", "b > `1`"), ("Name", "b"), ("Constant", "`1`"),
        ("Name", "c"),
    ]),
    ("lower( 'x' )", [("Call", "lower"), ("Constant", "'x'")]),
    ("{a: !b}", [("SelectObject", "a: !b"), ("Not", "!b"), ("Name", "b")]),
    ("a[1:2] | @", [("Chain", "a[1:2] | @"), ("Projection", "a[1:2"), ("Chain", "a[1:2"), ("Name", "a"), ("Slice", "1:2"),
                    ("Current", "@")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), PLACED, ids=[text for text, _ in PLACED])
def test_a_node_stands_where_it_was_written(text: str, expected: list[tuple[str, str]]) -> None:
    assert _written(text) == expected


@settings(max_examples=examples(300), deadline=None)
@given(EXPRESSIONS)
def test_every_node_lies_within_its_parent_and_names_stand_at_their_place(text: str) -> None:
    try:
        root = parse(text, FUNCTIONS)
    except ExpressionError as error:
        assume(error.code != "SF306")  # a constant that a function can never work with
        raise
    for node in walk(root):
        assert 0 <= node.offset <= node.offset + node.length <= len(text)
        if isinstance(node, nodes.Name) and node.name.isidentifier() and node.name.isascii():
            assert text[node.offset : node.offset + node.length].strip('"') == node.name
        if isinstance(node, nodes.Call):
            assert text.startswith(node.name, node.offset)


REFUSED = [
    ("", "the expression is empty", 0),
    ("a.", "the expression ends too early", 2),
    ("a = b", "= is not an operator", 2),
    ("a and b", "unexpected and", 2),
    ("first-name", "unexpected -", 5),
    ("truncate(a, 40)", "unexpected 40", 12),
    ("'open", "the ' opened here is never closed", 0),
    ("lowr(a)", "unknown function `lowr`", 0),
    ("a | lower()", "lower() takes 1 argument, found 0", 4),
    ("sort_by(a, b)", "argument 2 of sort_by() must be an expression reference such as &name", 11),
    ("lower(&a)", "argument 1 of lower() must be a value, not a reference (&)", 6),
    ("a | &b", "a reference (&) can only be an argument of a function", 4),
    ("contains(a b)", "a comma is missing", 11),
    ("{a: b c: d}", "a comma is missing", 6),
    ("a[::0]", "the step of a slice cannot be 0", 2),
    ("a == `NaN`", "NaN and Infinity are not JSON", 5),
    ("`99999999999999999999`", "a number in the expression has more than 64 bits", 0),
    ('`"\\ud800"`', "half of a surrogate pair is not text", 0),
    ("!" * 200 + "a", "the expression is nested more than 100 deep", 0),
    ("[" * 1000, "the expression is nested more than 100 deep", 0),
    (".".join("a" * 101), "the expression is nested more than 100 deep", 0),
    ("`" + "[" * 101 + "]" * 101 + "`", "the expression is nested more than 100 deep", 0),
    ("a[" + "9" * 5000 + "]", "a number in the expression is too long", 0),
    ("a" * 100_001, "the expression is longer than 100,000 characters", 0),
]


@pytest.mark.parametrize(("text", "message", "offset"), REFUSED, ids=[text[:20] for text, *_ in REFUSED])
def test_what_is_no_expression_is_refused_at_its_place(text: str, message: str, offset: int) -> None:
    with pytest.raises(ExpressionError) as error:
        parse(text, FUNCTIONS)
    assert (error.value.message, error.value.offset) == (message, offset)
