"""Every example in the library's documentation is true."""

from __future__ import annotations

import pytest

from syncflow.compiler.functions import FUNCTIONS, Example
from syncflow.compiler.functions.ambient import Ambient, surrounded_by
from syncflow.compiler.types.json import accepts
from syncflow.compiler.types.narrowing import of_value

CASES = [
    pytest.param(name, example, id=f"{name}-{number}")
    for name, function in FUNCTIONS.items()
    for number, example in enumerate(function.examples)
]


@pytest.mark.parametrize(("name", "example"), CASES)
def test_an_example_gives_what_it_says(name: str, example: Example) -> None:
    with surrounded_by(Ambient(now=lambda: 1705314600.0, uuid=lambda: "00000000-0000-4000-8000-000000000000")):
        assert FUNCTIONS[name].call(*example.arguments) == example.result


@pytest.mark.parametrize(("name", "example"), CASES)
def test_the_type_for_the_examples_constants_holds_its_result(name: str, example: Example) -> None:
    kind = FUNCTIONS[name].result([of_value(argument) for argument in example.arguments])
    assert accepts(kind, example.result)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_an_example_and_a_sentence(name: str) -> None:
    function = FUNCTIONS[name]
    assert function.examples
    assert function.summary.endswith(".")
