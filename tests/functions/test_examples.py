"""Every example in the library's documentation is true."""

from __future__ import annotations

import pytest

from syncflow.compiler.functions import FUNCTIONS
from syncflow.compiler.narrowing import of_value
from syncflow.compiler.types import accepts

CASES = [
    pytest.param(name, example, id=f"{name}-{number}")
    for name, function in FUNCTIONS.items()
    for number, example in enumerate(function.examples)
]


@pytest.mark.parametrize(("name", "example"), CASES)
def test_an_example_gives_what_it_says(name, example):
    assert FUNCTIONS[name].call(*example.arguments) == example.result


@pytest.mark.parametrize(("name", "example"), CASES)
def test_the_type_for_the_examples_constants_holds_its_result(name, example):
    kind = FUNCTIONS[name].result([of_value(argument) for argument in example.arguments])
    assert accepts(kind, example.result)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_an_example_and_a_sentence(name):
    function = FUNCTIONS[name]
    assert function.examples
    assert function.summary.endswith(".")
