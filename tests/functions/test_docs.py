"""What is said of the functions is what they do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from syncflow.compiler.expressions.built_ins import BUILT_INS
from syncflow.compiler.functions import (
    FUNCTIONS,
    JMESPATH_BUILT_INS,
    JMESPATH_FUNCTIONS,
    Example,
    Function,
    JMESPathFunction,
)
from syncflow.compiler.functions.ambient import Ambient, surrounded_by
from syncflow.compiler.functions.describe import as_jinja, as_jmespath, render_function, render_library
from syncflow.compiler.single_expressions import compile_expression

PAGE = Path(__file__).resolve().parents[2] / "docs" / "functions.md"
EXAMPLES = [
    (f"{name}-{number}", function, example)
    for name, function in FUNCTIONS.items()
    for number, example in enumerate(function.examples)
]
IN_JMESPATH = [  # its own functions refuse what ours answer with null
    pytest.param(function, example, id=name)
    for name, function, example in EXAMPLES
    if not (function.name in JMESPATH_BUILT_INS and example.result is None)
]
IN_JINJA = [  # which writes text only, and whose filters need something to filter
    pytest.param(function, example, id=name)
    for name, function, example in EXAMPLES
    if isinstance(example.result, str) and example.arguments
]
FIXED = Ambient(now=lambda: 1705314600.0, uuid=lambda: "00000000-0000-4000-8000-000000000000")


def test_the_page_of_functions_is_current() -> None:
    assert PAGE.read_text("utf-8") == render_library(), (
        "write it again: python -m syncflow.compiler.functions > docs/functions.md"
    )


def test_the_module_writes_the_page() -> None:
    command = [sys.executable, "-m", "syncflow.compiler.functions"]
    written = subprocess.run(command, capture_output=True, check=True, cwd=PAGE.parents[1]).stdout
    assert written.decode("utf-8") == render_library()


@pytest.mark.parametrize(("function", "example"), IN_JMESPATH)
def test_an_example_is_true_in_jmespath(function: Function, example: Example) -> None:
    with surrounded_by(FIXED):
        assert compile_expression(as_jmespath(function, example)).evaluate({}) == example.result


@pytest.mark.parametrize(("function", "example"), IN_JINJA)
def test_an_example_of_text_is_true_in_jinja(function: Function, example: Example) -> None:
    with surrounded_by(FIXED):
        assert compile_expression(as_jinja(function, example)).evaluate({}) == example.result


@pytest.mark.parametrize("own", JMESPATH_FUNCTIONS.values(), ids=lambda own: own.name)
def test_what_is_said_of_jmespaths_own_functions_is_true(own: JMESPathFunction) -> None:
    expression = compile_expression(own.example)
    assert expression.evaluate({}) == own.result
    assert own.signature.startswith(f"{own.name}(")
    if own.jinja:
        item = {"tags": ["a", "b"], "name": "Ada", "number": 5}
        assert compile_expression(own.jinja).evaluate({"item": item}) in {"a, b", "3", "5"}


def test_every_function_of_jmespaths_is_said() -> None:
    assert JMESPATH_FUNCTIONS.keys() == BUILT_INS.keys()


def test_a_name_of_both_is_shown_as_each_language_has_it() -> None:
    page = render_function(FUNCTIONS["sum"])
    assert "JMESPath has its own, sum(numbers): it fails where an argument does not fit." in page
    assert '{{ [1, "2"] | sum }}  →  null' in page


def test_a_function_is_described_for_a_terminal() -> None:
    assert render_function(FUNCTIONS["truncate"]) == (
        "truncate(text, most)\n"
        "\n"
        "  Cut text after at most N characters; nothing is added, and no letter is parted from its marks.\n"
        "\n"
        "  text: text\n"
        "  most: integer. Most characters to keep.\n"
        "\n"
        "  Gives text.\n"
        "\n"
        "Examples\n"
        "  truncate('Ada Lovelace', `3`)  →  \"Ada\"\n"
        "  truncate('Ada', `40`)  →  \"Ada\"\n"
        "  truncate('Zoe\u0308', `3`)  →  \"Zo\"\n"
        "  truncate('Hi 👍🏽', `4`)  →  \"Hi \"\n"
        "\n"
        "In Jinja\n"
        '  {{ "Ada Lovelace" | truncate(3) }}'
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_can_be_described(name: str) -> None:
    assert render_function(FUNCTIONS[name]).startswith(f"{name}(")
