"""The one function that chooses among all routes comes to what each route comes to by itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow.compiler.expressions import FAILURES
from syncflow.compiler.expressions.scopes import UNCHECKED, root_of
from syncflow.compiler.routing.choices import Fork, compile_choices
from syncflow.compiler.routing.router import compile_choice, reasons_of
from syncflow.config.models.routes import RouteSettings
from syncflow.config.models.schema import SchemaNode
from syncflow.errors import DataError
from syncflow.events import Event, Record

SCHEMA = SchemaNode.model_validate(
    {
        "type": "object",
        "required": ["id", "kind"],
        "properties": {
            "id": {"type": "string"},
            "kind": {"type": "string", "enum": ["lead", "customer", "vendor"]},
            "country": {"type": ["string", "null"]},
            "size": {"type": ["integer", "null"]},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
    }
)
ROUTES: list[dict[str, Any]] = [
    {"to": "a"},
    {"to": "a", "when": "item.kind == 'lead'"},
    {"to": "b", "when": "item.size > `3` || item.tags"},
    {"to": "b", "when": "{{ item.country }}"},
    {"by": "item.kind", "table": {"lead": "a", "customer": ["a", "b"]}},
    {"by": "item.country", "table": {"DE": "a"}, "default": "b", "when": "operation == 'update'"},
    {"by": "item.size", "table": {"1": "a", "2": "b"}, "default": ["b", "a"]},
    {"by": "item.tags", "table": {"x": "a"}},
    {"by": "item.tags[0]", "table": {"x": "a"}, "default": "b"},
    {"by": "item.unknown", "table": {"true": "a"}},
]
ITEMS = st.fixed_dictionaries(
    {"id": st.just("A"), "kind": st.sampled_from(["lead", "customer", "vendor"])},
    optional={
        "country": st.sampled_from([None, "DE", "FR", ""]),
        "size": st.none() | st.integers(0, 5),
        "tags": st.lists(st.sampled_from(["x", "y"]), max_size=2),
        "unknown": st.sampled_from([None, True, 1.0, "true", [1]]),
    },
)
ROOT = root_of("contacts", SCHEMA)


def route(form: dict[str, Any]) -> RouteSettings:
    return RouteSettings.model_validate({**form, "mapping": "m.yaml"})


def fork(form: dict[str, Any]) -> Fork:
    table, others = reasons_of(route(form))
    return Fork(others, table, form.get("when"), form.get("by"))


ALL = compile_choices(
    {"orders": [fork({"to": "a"})], "contacts": [fork(form) for form in ROUTES if form.get("by") != "item.tags"]},
    {"orders": UNCHECKED, "contacts": ROOT},
    file="routes.yaml",
)


def event(item: dict[str, Any], operation: Any, kind: str = "contacts") -> Event:
    root = {"record": kind, "operation": operation, "timestamp": None, "item": item}
    return Event(Record(kind, "A"), operation, root)


def by_itself(form: dict[str, Any], of: Event) -> Any:
    try:
        return [list(reason) for reason in compile_choice(route(form), ROOT)(of)]
    except DataError:
        return "fails"


def together(forms: list[dict[str, Any]], of: Event) -> Any:
    chosen = compile_choices({"contacts": [fork(form) for form in forms]}, {"contacts": ROOT}, file="routes.yaml")
    try:
        return chosen.call(of.root)
    except FAILURES:
        return "fails"


@given(st.lists(st.sampled_from(ROUTES), min_size=1, max_size=3), ITEMS, st.sampled_from(["create", "update"]))
def test_the_one_function_chooses_what_each_route_chooses(
    forms: list[dict[str, Any]], item: dict[str, Any], operation: str
) -> None:
    of = event(item, operation)
    expected = [by_itself(form, of) for form in forms]
    assert together(forms, of) == ("fails" if "fails" in expected else expected)


@pytest.mark.parametrize(("kind", "count"), [("orders", 1), ("contacts", len(ROUTES) - 1), ("others", 0)])
def test_each_kind_of_record_has_its_routes(kind: str, count: int) -> None:
    item = {"id": "A", "kind": "lead", "country": "DE", "size": 1, "tags": []}
    assert len(ALL.call(event(item, "create", kind).root)) == count


def test_the_function_reads_like_the_routes() -> None:
    chosen = compile_choices({"contacts": [fork(ROUTES[1])]}, {"contacts": ROOT}, file="routes.yaml")
    assert chosen.source == (
        """\
constant = [['a', "item.kind == 'lead' → a"]]

constant_2 = []

def route(root):
    record = root['record']
    if record == 'contacts':
        return [constant if root['item']['kind'] == 'lead' else constant_2]
    return []
"""
    )
