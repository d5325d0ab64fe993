"""Eleven typical fields: the jmespath library's evaluator beside generated code, in one process, same results asserted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import jmespath
from jmespath.functions import Functions as BuiltIns

from bench.figures import Figure, Size
from syncflow.compiler.expressions import Emitter
from syncflow.compiler.functions import FUNCTIONS
from syncflow.compiler.types.json import ANY, TEXT, Array, Text, Type, closed_object, nullable, optional

TITLE = "expressions of JMESPath, walked by its library and generated"

FIELDS = {
    "External_Id__c": "item.id",
    "FirstName": "truncate(first_name(item.name), `40`)",
    "LastName": "truncate(last_name(item.name) || 'Unknown', `80`)",
    "Email": "lower(item.email)",
    "Phone": "item.phone",
    "Title": "item.job.title",
    "Company": "trim(item.job.company)",
    "Type": "item.contact_type == 'lead' && 'Lead' || 'Other'",
    "City": "item.addresses[?kind == 'home'].city | [0]",
    "Tags": "join(';', item.tags)",
    "Street": "item.addresses[0].street",
}
PLAIN = {f"f{number}": f"item.f{number}" for number in range(10)}

ROOT: Any = {
    "item": {
        "id": "A1",
        "name": "Ada Lovelace",
        "email": "ADA@EXAMPLE.COM",
        "phone": "+15551234567",
        "contact_type": "lead",
        "job": {"title": "Analyst", "company": " Engines "},
        "tags": ["one", "two", "three"],
        "addresses": [
            {"kind": "work", "city": "London", "street": "1 High St"},
            {"kind": "home", "city": "Paris", "street": "2 Low St"},
        ],
        **{f"f{number}": f"value {number}" for number in range(10)},
    }
}
_ADDRESS = closed_object(kind=TEXT, city=TEXT, street=TEXT)
_ITEM = closed_object(
    id=Text(min_length=1),
    name=TEXT,
    email=optional(nullable(Text(format="email"))),
    phone=optional(nullable(TEXT)),
    contact_type=Text(values=frozenset({"lead", "customer"})),
    job=closed_object(title=TEXT, company=TEXT),
    tags=Array(TEXT),
    addresses=Array(_ADDRESS),
    **{f"f{number}": TEXT for number in range(10)},
)


class _Library(BuiltIns):
    def call_function(self, function_name: str, resolved_args: Any) -> Any:
        if function_name in BuiltIns.FUNCTION_TABLE:
            return super().call_function(function_name, resolved_args)
        return FUNCTIONS[function_name].call(*resolved_args)


def walked(fields: dict[str, str]) -> Callable[[Any], Any]:
    options = jmespath.Options(custom_functions=_Library())
    compiled = {name: jmespath.compile(text) for name, text in fields.items()}
    return lambda root: {name: one.search(root, options) for name, one in compiled.items()}


def generated(fields: dict[str, str], scope: Type) -> Callable[[Any], Any]:
    emitter = Emitter(scope)
    for name, text in fields.items():
        emitter.field(name, text)
    return emitter.function("mapping").call


def measure(size: Size) -> Iterator[Figure]:
    rounds = size.of(tiny=50, usual=20_000)
    for title, fields in (("ten plain paths", PLAIN), ("eleven fields", FIELDS)):
        library = walked(fields)
        base = microseconds(library, rounds)
        yield Figure(f"{title}: jmespath", base, "µs")
        for kind, scope in (("untyped", ANY), ("typed", closed_object(item=_ITEM))):
            function = generated(fields, scope)
            assert function(ROOT) == library(ROOT)
            took = microseconds(function, rounds)
            yield Figure(f"{title}: generated, {kind}", took, "µs")
            yield Figure(f"{title}: generated, {kind}, to jmespath", base / took, "×")


def microseconds(function: Callable[[Any], Any], rounds: int) -> float:
    """Return the best of five runs, per call."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(rounds // 5):
            function(ROOT)
        best = min(best, (time.perf_counter() - start) / (rounds // 5))
    return best * 1e6
