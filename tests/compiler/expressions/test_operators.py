"""An operator is one class and one line of a registry: the page that says so is run here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from syncflow.compiler.expressions import Emitter
from syncflow.compiler.expressions.nodes import OPERATORS, Operators
from syncflow.compiler.languages.base import ExpressionError
from tests.compiler.expressions.jinja_strategies import SCOPE

_PAGE = Path(__file__).resolve().parents[3] / "docs" / "compiler.md"


def _of_the_page() -> Operators:
    """Return the registry with the operator of the page in it."""
    known: dict[str, Any] = {"__name__": __name__}
    code = re.search(r"^```python\n(.*?)^```", _PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert code is not None
    exec(compile(code[1], str(_PAGE), "exec", dont_inherit=True), known)  # our own page
    return {**OPERATORS, "Pow": known["Power"]}


@pytest.fixture(scope="module")
def operators() -> Operators:
    return _of_the_page()


def _messages(text: str, operators: Operators) -> list[str]:
    return [finding.message for finding in Emitter(SCOPE, operators=operators).template(text).findings]


def test_it_is_read_only_where_the_registry_has_it(operators: Operators) -> None:
    with pytest.raises(ExpressionError, match="pow is not allowed"):
        Emitter(SCOPE).template("{{ item.number ** 2 }}")
    Emitter(SCOPE, operators=operators).template("{{ item.number ** 2 }}")


def test_its_type_goes_on_to_what_it_stands_in(operators: Operators) -> None:
    assert _messages("{{ item.number ** 2 }}", operators) == []
    assert Emitter(SCOPE, operators=operators).template("{{ item.number ** 2 }}").type.max_length == 26  # type: ignore[union-attr]


def test_it_complains_of_itself(operators: Operators) -> None:
    assert _messages("{{ item.name ** 2 }}", operators) == ["** fails where a value is no number"]


def test_where_it_holds_it_narrows(operators: Operators) -> None:
    assert len(_messages("{{ item.mixed + 1 }}", operators)) == 1
    narrowed = "{% if item.mixed ** 2 %}{{ item.mixed + 1 }}{% endif %}"
    assert _messages(narrowed, operators) == ["** fails where a value is no number"]


def test_its_code_computes_it(operators: Operators) -> None:
    emitter = Emitter(SCOPE, operators=operators)
    generated = emitter.function("text", emitter.template("{{ item.number ** 2 ~ '!' }}"))
    assert "power(root['item']['number'], 2)" in generated.source
    assert generated.call({"record": "contacts", "item": {"number": 3}}) == "9!"
