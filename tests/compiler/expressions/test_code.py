"""Generated code is read by people: it says what the mapping says, once, and points back into it when it fails."""

from __future__ import annotations

import json
import traceback

import pytest

from syncflow.compiler.expressions import Emitter, Place
from syncflow.compiler.types.json import ANY, TEXT, Array, Text, Type, closed_object, nullable, optional
from syncflow.errors import DataError

ITEM = closed_object(
    id=Text(min_length=1),
    name=TEXT,
    email=optional(nullable(TEXT)),
    tags=Array(TEXT),
    addresses=Array(closed_object(city=TEXT, street=optional(TEXT))),
)
SCOPE = closed_object(item=ITEM)


def _source(scope: Type, *texts: str) -> str:
    emitter = Emitter(scope)
    for number, text in enumerate(texts):
        emitter.field(f"Field{number}", text)
    return emitter.function("contact").source


def test_a_mapping_reads_like_the_mapping() -> None:
    source = _source(
        SCOPE,
        "item.id",
        "truncate(first_name(item.name), `40`)",
        "truncate(last_name(item.name) || 'Unknown', `80`)",
        "lower(item.email)",
        "join(', ', item.tags)",
        "item.addresses[?street].city",
    )
    assert source == (
        """\
def contact(root):
    item = root['item']
    split_name_name = split_name(item['name'])
    first_name_name = split_name_name[0]
    email = item.get('email')
    return {
        'Field0': item['id'],
        'Field1': None if first_name_name is None else cut(first_name_name, 40),
        'Field2': cut(split_name_name[1] or 'Unknown', 80),
        'Field3': None if email is None else lower(email),
        'Field4': ', '.join(item['tags']),
        'Field5': [element['city'] for element in item['addresses'] if element.get('street')],
    }
"""
    )


def test_what_is_not_proven_asks_the_runtime() -> None:
    assert _source(ANY, "a.b[0] == `1`", "a.b || 'x'") == (
        """\
def contact(root):
    b = field_of(field_of(root, 'a'), 'b')
    return {
        'Field0': equal(element_at(b, 0), 1),
        'Field1': b if truthy(b) else 'x',
    }
"""
    )


def test_what_several_fields_need_is_computed_once() -> None:
    source = _source(SCOPE, *(f"lower(item.name) || '{name}'" for name in "abc"))
    assert source.count("lower(") == 1


def test_a_function_that_never_gives_the_same_twice_is_called_each_time() -> None:
    assert _source(SCOPE, "uuid()", "uuid()").count("uuid()") == 2


def test_what_may_not_run_is_not_run_early() -> None:
    source = _source(ANY, "a && abs(b)", "c && abs(b)")
    assert source.count("abs_2(") + source.count("abs(") == 2


@pytest.mark.parametrize(
    "name", ["class", "None", "it's", 'a"b', "a\nb", "🙂", "root", "isinstance", "__class__", "field_of", ""]
)
def test_any_name_of_a_field_is_a_constant_of_the_code(name: str) -> None:
    emitter = Emitter(ANY)
    quoted = json.dumps(name)
    emitter.field(name, f"[item.{quoted}, item.{quoted} || `1`]")
    assert emitter.function(name).call({"item": {name: 7}}) == {name: [7, 7]}


def test_a_failing_expression_names_its_place_in_the_file() -> None:
    emitter = Emitter(ANY, file="mappings/contact.yaml")
    emitter.field("A", "item.id", place=lambda offset, length: Place(3, 6 + offset, 3, 6 + offset + length))
    emitter.field("B", "abs(item.id)", place=lambda offset, length: Place(4, 6 + offset, 4, 6 + offset + length))
    with pytest.raises(DataError) as error:
        emitter.function("contact").call({"item": {"id": "secret"}})
    assert (str(error.value), error.value.hint) == (
        "abs() expects a number, found text",
        "see mappings/contact.yaml:4:7",
    )
    frames = traceback.extract_tb(error.value.__traceback__)
    assert [frame.lineno for frame in frames if frame.filename == "mappings/contact.yaml"] == [4]


def test_a_constant_is_never_code() -> None:
    text = "'\"); import os; (\"'"
    assert Emitter(ANY).function("f", Emitter(ANY).expression(text)).call(None) == '"); import os; ("'
