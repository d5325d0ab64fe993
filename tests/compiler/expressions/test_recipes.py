"""What a mapping does besides computing: defaults, tables, fields left out; and what is bounded."""

from __future__ import annotations

from typing import Any

import pytest

from syncflow.compiler.expressions import Emitter, FieldError, Place, compile_path
from syncflow.compiler.functions.unreadable import tracing
from syncflow.compiler.single_expressions import ExpressionError
from syncflow.compiler.types.json import ANY, TEXT, Text, Type, closed_object, nullable, optional
from syncflow.compiler.types.words import describe

KINDS = Text(values=frozenset({"lead", "customer"}))
SCOPE = closed_object(
    item=closed_object(kind=KINDS, other=optional(nullable(KINDS)), name=TEXT, email=optional(nullable(TEXT)))
)
TABLE: dict[str, Any] = {"lead": "Lead", "customer": "Customer", "5": "Five"}


def _looked_up(scope: Type, text: str, value: Any, **default: Any) -> tuple[str, Any]:
    emitter = Emitter(scope)
    emitted = emitter.looked_up(emitter.expression(text), TABLE, **default)
    return describe(emitted.type), emitter.function("f", emitted).call(value)


def test_a_table_that_covers_every_value_needs_no_default() -> None:
    item = {"kind": "lead", "name": "x"}
    assert _looked_up(SCOPE, "item.kind", {"item": item}) == ('one of "Customer", "Lead"', "Lead")
    assert _looked_up(SCOPE, "item.other", {"item": item}) == ('one of "Customer", "Lead" or null', None)


@pytest.mark.parametrize(
    ("value", "entry"), [("lead", "Lead"), (5, "Five"), (5.0, "Five"), ("no", 0), (None, 0), ([], 0)]
)
def test_a_table_gives_its_default_for_null_and_for_what_it_does_not_have(value: Any, entry: Any) -> None:
    assert _looked_up(ANY, "a", {"a": value}, default=0)[1] == entry


def test_a_value_that_a_table_does_not_have_is_unreadable_and_null() -> None:
    with tracing() as met:
        assert _looked_up(ANY, "a", {"a": "secret"})[1] is None
    assert [found.why for found in met] == ["the table has no entry for the value (text of 6 characters)"]


def test_a_default_stands_for_null_only() -> None:
    emitter = Emitter(SCOPE)
    emitted = emitter.defaulted(emitter.expression("item.email"), "none")
    call = emitter.function("f", emitted).call
    assert [call({"item": {"email": email}}) for email in (None, "", "x")] == ["none", "", "x"]
    assert describe(emitted.type) == "text"


def test_fields_are_left_out_where_they_are_null_or_come_from_nowhere() -> None:
    emitter = Emitter(SCOPE)
    emitter.field("Name", "item.name", omit_null=True, needs=[("item", "name")])
    emitter.field("Email", "lower(item.email)", omit_null=True)
    emitter.field("Other", "item.other", needs=[("item", "other")])
    generated = emitter.function("contact")
    assert generated.source == (
        """\
constant = ['item', 'other']

def contact(root):
    item = root['item']
    payload = {'Name': item['name']}
    email = item.get('email')
    lower_email = None if email is None else lower(email)
    if lower_email is not None:
        payload['Email'] = lower_email
    if is_there(root, constant):
        payload['Other'] = item.get('other')
    return payload
"""
    )
    assert generated.call({"item": {"name": "A"}}) == {"Name": "A"}
    assert generated.call({"item": {"name": "A", "email": "B", "other": None}}) == {
        "Name": "A", "Email": "b", "Other": None,
    }  # fmt: skip


def test_the_reads_of_an_expression_are_its_paths_from_the_root() -> None:
    reads = Emitter(ANY).expression("item.a[?b].c || lower(item.d) | e").reads
    assert [read.steps for read in reads] == [
        ("item",), ("item", "a"), ("item", "a", None, "b"), ("item", "a", None, "c"), ("item",), ("item", "d"),
    ]  # fmt: skip


def test_a_field_that_fails_is_named() -> None:
    emitter = Emitter(ANY, file="m.yaml")
    for line, name in enumerate(("A", "B"), 1):
        emitter.field(name, f"length(item.{name})", place=lambda at, size, line=line: Place(line, at, line, at + size))  # type: ignore[misc]
    call = emitter.function("f").call
    with pytest.raises(FieldError) as error:
        call({"item": {"A": "x", "B": 7}})
    assert (error.value.field, error.value.hint) == ("B", "see m.yaml:2:1")


LARGE = {
    "many elements": "[" + ",".join(f"a{number}.b" for number in range(1000)) + "]",
    "many constants": "[" + ",".join(f"`{number}`" for number in range(1000)) + "]",
    "a large constant": f"`{list(range(15000))}`",
    "many projections": "a" + "[*]" * 90,
    "many filters": "a[?" * 80 + "a" + "]" * 80,
    "many pipes with choices": " | ".join(["[@.a, `true` && @.b || @.c]"] * 30),
    "many choices": "a && (" * 40 + "[b.c, b.d] | [@[0], @[1]]" + ")" * 40,
    "many brackets": "[" * 95 + "a" + "]" * 95,
    "a large index": "a[" + "9" * 4000 + "]",
}


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_what_is_large_makes_code_in_proportion_or_is_refused(text: str) -> None:
    source, refusal = "", ""
    try:
        emitter = Emitter(ANY)
        source = emitter.function("f", emitter.expression(text)).source
    except ExpressionError as error:
        refusal = error.message
    assert refusal in {"", "the expression is nested too deep"}
    assert len(source) < 100 * len(text)


def test_lists_within_lists_are_made_as_deep_as_every_python_can() -> None:
    """Python 3.12 and 3.13 do not refuse what is deeper: they crash."""
    root: Any = {}
    for _ in range(15):
        root = {"a": [root]}
    assert compile_path("a" + "[*].a" * 15, ANY)(root) is not None
    for depth in range(17, 90):
        with pytest.raises(ExpressionError, match="nested too deep"):
            compile_path("a" + "[*].a" * depth, ANY)
