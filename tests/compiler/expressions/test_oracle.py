"""Compiled expressions mean what the jmespath library means, for every value; types promise only what is so."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, note, settings
from hypothesis import strategies as st

from syncflow.compiler.expressions import Emitter, compile_path, infer
from syncflow.compiler.expressions.parse import parse
from syncflow.compiler.functions import FUNCTIONS
from syncflow.compiler.single_expressions import ExpressionError
from syncflow.compiler.types.json import ANY, TEXT, Type, accepts, closed_object, nullable, open_object, optional, union
from syncflow.compiler.values import is_true
from syncflow.errors import DataError
from tests.compiler.expressions.oracle import search
from tests.compiler.expressions.strategies import EXPRESSIONS, GUARDED, JSON, OBJECT_TYPES, values_of
from tests.effort import examples

_THOROUGH = settings(
    max_examples=examples(250), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
_FAILED = "failed"


def _outcome(evaluate: Callable[[Any], Any], root: Any) -> Any:
    """Return the result in a form that tells 1 from 1.0 from true, or that there is none."""
    try:
        return json.dumps(evaluate(root))
    except DataError:
        return _FAILED


def _compiled(text: str, scope: Type) -> Emitter:
    try:
        emitter = Emitter(scope)
        emitter.field("result", text)
    except ExpressionError:
        assume(False)
    return emitter


@_THOROUGH
@given(EXPRESSIONS, st.lists(JSON, min_size=1, max_size=3))
@example("[map(&[:], a)[?a]]", [{"a": [[1], {"a": 1}, None]}])
@example("[map(&[:], a)[?@]]", [{"a": [[1], {"a": 1}, None]}])
def test_what_is_compiled_is_what_the_library_computes(text: str, roots: list[Any]) -> None:
    note(text)
    emitter = _compiled(text, ANY)
    generated = emitter.function("check", emitter.expression(text))
    note(generated.source)
    expected = search(text)
    for root in roots:
        assert _outcome(generated.call, root) == _outcome(expected, root)


@_THOROUGH
@given(st.data())
def test_what_types_prove_changes_no_result_results_are_of_their_type_and_what_fails_was_complained_of(
    data: st.DataObject,
) -> None:
    scope = data.draw(OBJECT_TYPES)
    text = data.draw(st.one_of(EXPRESSIONS, GUARDED))
    emitter = _compiled(text, scope)
    emitted = emitter.expression(text)
    generated = emitter.function("check", emitted)
    note(generated.source)
    root = data.draw(values_of(scope))
    outcome = _outcome(generated.call, root)
    assert outcome == _outcome(search(text), root)
    if outcome is _FAILED:
        assert emitted.findings
    else:
        assert accepts(emitted.type, json.loads(outcome))


@_THOROUGH
@given(st.data())
def test_what_a_guard_leaves_of_a_type_holds_every_value_that_passes_it(data: st.DataObject) -> None:
    scope, text = data.draw(OBJECT_TYPES), data.draw(GUARDED)
    root = data.draw(values_of(scope))
    note(text)
    try:
        holds = is_true(search(text)(root))
    except DataError:
        return
    assert accepts(infer.assume(parse(text, FUNCTIONS), scope, holds=holds), root)


@pytest.mark.parametrize("text", ["a != ''", "a != `5`", "!a", "a == `null`", "!(a == 'x')", "a.b != ''", "!(a.b)"])
@pytest.mark.parametrize("kind", [ANY, TEXT, nullable(TEXT), union(TEXT, open_object(b=TEXT))], ids=str)
def test_a_guard_that_what_is_absent_passes_leaves_it_absent(text: str, kind: Type) -> None:
    left = infer.assume(parse(text, FUNCTIONS), closed_object(a=optional(kind)), holds=True)
    assert accepts(left, {})


@_THOROUGH
@given(st.lists(EXPRESSIONS, min_size=2, max_size=4), JSON)
def test_expressions_that_share_code_share_no_meaning(texts: list[str], root: Any) -> None:
    emitter = _compiled(texts[0], ANY)
    for text in texts:
        try:
            emitter.field(text, text)
        except ExpressionError:
            assume(False)
    generated = emitter.function("check")
    note(generated.source)
    expected = [_outcome(search(text), root) for text in texts]
    found = _outcome(generated.call, root)
    if _FAILED in expected:
        assert found is _FAILED
    else:
        assert found is not _FAILED
        assert [json.dumps(json.loads(found)[text]) for text in texts] == expected


@_THOROUGH
@given(EXPRESSIONS)
def test_equal_expressions_make_equal_code(text: str) -> None:
    first, second = _compiled(text, ANY), _compiled(text, ANY)
    one, other = (emitter.function("check", emitter.expression(text)) for emitter in (first, second))
    assert one.source == other.source
    assert ast.dump(one.module, include_attributes=True) == ast.dump(other.module, include_attributes=True)


@_THOROUGH
@given(st.one_of(st.text(max_size=60), st.text("ab.[]*?&|!=<>(){}@`'\":,-01 ", max_size=40)))
def test_any_text_is_compiled_or_refused(text: str) -> None:
    refusal = None
    try:
        _outcome(compile_path(text, ANY), {"a": [1, {"b": "x"}]})
    except ExpressionError as error:
        refusal = error
    assert refusal is None or (refusal.message and 0 <= refusal.offset <= len(text))
