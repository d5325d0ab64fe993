"""Compiled templates are what the sandbox renders: for every template, every record and every promise of types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from syncflow.compiler.expressions import Emitter
from syncflow.compiler.functions import FUNCTIONS
from syncflow.compiler.languages.base import ExpressionError
from syncflow.compiler.types.json import ANY, Type, accepts
from syncflow.errors import DataError
from tests.compiler.expressions.jinja_strategies import OTHER_RECORDS, RECORDS, SCOPE, TEMPLATES
from tests.compiler.expressions.sandbox import compile_inserts
from tests.effort import examples

_SOME = settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Failed:
    """Stands for: rendering fails. One failure is as good as another."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Failed)

    def __hash__(self) -> int:
        return 0


def _outcome(render: Callable[[], Any]) -> Any:
    try:
        return render()
    except DataError:
        return Failed()


def _sandboxed(text: str) -> Callable[[Any], Any]:
    render = compile_inserts(text, FUNCTIONS)
    return lambda root: render(root, None)


def _compiled(text: str, scope: Type) -> tuple[Callable[[Any], Any], Type, str]:
    emitter = Emitter(scope)
    emitted = emitter.template(text)
    generated = emitter.function("render", emitted)
    return generated.call, emitted.type, generated.source


def _check(text: str, scope: Type, record: Any) -> None:
    try:
        expected = _outcome(lambda: _sandboxed(text)(record))
    except ExpressionError:
        _check_refused(text, scope)
        return
    call, kind, source = _compiled(text, scope)
    found = _outcome(lambda: call(record))
    assert found == expected, source
    assert found == Failed() or accepts(kind, found), (kind, found)


def _check_refused(text: str, scope: Type) -> None:
    """The library computes constants when it compiles, and fails then; for us they fail where they are reached."""
    emitter = Emitter(scope)
    try:
        emitted = emitter.template(text)
        emitter.function("render", emitted)
    except ExpressionError:
        return
    assert any(finding.severity == "error" for finding in emitted.findings)


@_SOME
@given(TEMPLATES, RECORDS)
@example(
    "{% for n in range(5, 0) %}{% else %}x{% endfor %}{% for n in range(2) %}{{ n }}{{ loop.index }}{% endfor %}", {}
)
@example("{% for n in range(item.number) %}{{ n }}{% endfor %}", {"record": "contacts", "item": {"number": 3}})
@example("{% set v = {'a': item.any} %}", {"record": "contacts", "item": {}})
@example("{{ item.any in [item.any] }}", {"record": "contacts", "item": {}})
@example("{{ (item.active)[1:] }}", {"record": "contacts", "item": {"active": True}})
@example(
    "{{ item.tags | first }}{{ (item.number)[:1] | default('x') }}",
    {"record": "contacts", "item": {"number": 1, "tags": []}},
)
@example("{{ (('a').a and item.active) | lower }}", {"record": "contacts", "item": {"active": True}})
def test_a_template_over_typed_records_is_what_the_sandbox_renders(text: str, record: dict[str, Any]) -> None:
    _check(text, SCOPE, record)


@_SOME
@given(TEMPLATES, RECORDS | OTHER_RECORDS)
def test_a_template_over_any_records_is_what_the_sandbox_renders(text: str, record: dict[str, Any]) -> None:
    _check(text, ANY, record)


@_SOME
@given(TEMPLATES, RECORDS)
def test_what_inference_does_not_complain_about_never_fails(text: str, record: dict[str, Any]) -> None:
    try:
        emitted = Emitter(SCOPE).template(text)
    except ExpressionError:
        return
    if not emitted.findings:
        _sandboxed(text)(record)


@_SOME
@given(st.text(max_size=40) | st.text("{}%| .'\"ab()[]-~#\r\n<=>is nofr", max_size=60))
@example("{{ item.name -}} \r\n {{ a }}")
def test_garbage_is_refused_or_compiled_and_never_crashes(text: str) -> None:
    try:
        call, _, _ = _compiled(text, ANY)
    except ExpressionError:
        return
    _outcome(lambda: call({"record": "contacts", "item": {}}))
