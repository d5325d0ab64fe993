"""A function that is written at its first call gives what one gives that is written at once, and refuses as early."""

from __future__ import annotations

from typing import Any

import pytest

from syncflow.compiler.expressions.emitter import Emitter
from syncflow.compiler.expressions.error_places import FieldError
from syncflow.compiler.types.json import ANY

CASES: dict[str, tuple[str, Any]] = {
    "a path": ("a.b[0].c", {"a": {"b": [{"c": 1}]}}),
    "a function": ("upper(a) || 'none'", {"a": "x"}),
    "a template": ("{{ a | lower }}-{% if b %}1{% else %}2{% endif %}", {"a": "X", "b": None}),
    "not shallow": (" || ".join(f"a{number}" for number in range(80)), {"a79": 3}),
    "a deep constant": ("a == `" + "[" * 40 + "1" + "]" * 40 + "`", {"a": 1}),
}


@pytest.mark.parametrize("name", CASES)
def test_it_gives_the_same(name: str) -> None:
    text, root = CASES[name]
    at_once, later = Emitter(ANY), Emitter(ANY)
    expected = at_once.function("made", at_once.expression(text)).call(root)
    call = later.call("made", later.expression(text))
    assert [call(root), call(root)] == [expected, expected]


def test_it_fails_with_the_same_words() -> None:
    at_once, later = Emitter(ANY), Emitter(ANY)
    calls = [
        at_once.function("made", at_once.expression("{{ a }}", field="name")).call,
        later.call("made", later.expression("{{ a }}", field="name")),
    ]
    for call in (*calls, calls[1]):
        with pytest.raises(FieldError) as caught:
            call({})
        assert (caught.value.message, caught.value.field) == ("'a' is not there", "name")


def test_fields_that_are_added_later_are_no_part_of_it() -> None:
    emitter = Emitter(ANY)
    emitter.field("one", "a")
    call = emitter.call("made")
    emitter.field("two", "b")
    assert call({"a": 1, "b": 2}) == {"one": 1}


def test_only_few_values_without_deep_constants_are_written_later() -> None:
    shallow = {}
    for name, (text, _) in CASES.items():
        emitter = Emitter(ANY)
        emitter.expression(text)
        shallow[name] = emitter.pool.is_shallow
    assert shallow == {
        "a path": True,
        "a function": True,
        "a template": True,
        "not shallow": False,
        "a deep constant": False,
    }
