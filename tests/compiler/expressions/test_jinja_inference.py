"""What types tell of templates: the type of the text, and what is suspicious, word by word."""

from __future__ import annotations

import pytest

from syncflow.compiler.expressions import Emitter, Finding
from syncflow.compiler.expressions.language import JINJA
from syncflow.compiler.types.json import ANY, Integer, Number, Text, Type, accepts
from tests.compiler.expressions.jinja_strategies import SCOPE


def _one_of(*texts: str) -> Type:
    return Text(values=frozenset(texts))


TYPES: list[tuple[str, Type]] = [
    ("{{ item.kind }}!", _one_of("!", "lead!", "customer!")),
    ("{{ item.name }}, {{ item.number }}", Text(min_length=3, max_length=48)),
    ("{{ item.active }}", _one_of("true", "false")),
    ("{{ 1.0 }}{{ none }}{{ true }}", _one_of("1.0Nonetrue")),
    ("{% if item.kind == 'lead' %}L{% else %}C{% endif %}", _one_of("L", "C")),
    ("{{ 'L' if item.kind == 'lead' }}", _one_of("L", "")),
    ("{% if item.kind %}{{ item.kind }}{% endif %}", _one_of("lead", "customer", "")),
    ("{% set k = item.kind | upper %}{{ k }}", _one_of("LEAD", "CUSTOMER", "")),
    ("{% for tag in item.tags %}{{ tag }},{% endfor %}", Text(max_length=18)),
    ("{{ item.name | truncate(3) }}", Text(max_length=3)),
    ("{{ item.email }}", Text(max_length=1_000_000)),
    ("{{ today() }}", Text(format="date")),
    ("{% set day = today('UTC') %}{{ day }}{# alone #}", Text(format="date")),
    ("{{ today() }}.", Text(min_length=11, max_length=11)),
    ("{{ uuid() | truncate(8) }}", Text(min_length=1, max_length=8)),
]


@pytest.mark.parametrize(("text", "kind"), TYPES, ids=[text for text, _ in TYPES])
def test_a_template_has_the_narrowest_type_of_text(text: str, kind: Type) -> None:
    assert Emitter(SCOPE).template(text).type == kind


@pytest.mark.parametrize("kind", [Integer(), Integer(0, 5), Number(), ANY], ids=repr)
def test_zero_counts_as_false_and_nothing_else_of_a_number_does(kind: Type) -> None:
    assert accepts(JINJA.when_false(kind), 0)
    assert accepts(JINJA.when_true(kind), 5)
    assert not accepts(JINJA.when_true(Integer(0, 0)), 0)
    if kind != ANY:
        assert not accepts(JINJA.when_false(kind), 5)


FINE = [
    "{% if item.phone is defined %}{{ item.phone }}{% endif %}",
    "{% if item.note is defined and item.note is not none %}{{ item.note }}{% endif %}",
    "{% if item.phone is undefined %}-{% else %}{{ item.phone }}{% endif %}",
    "{% if item.email %}{{ item.email }}{% endif %}",
    "{% if not item.email %}-{% else %}{{ item.email }}{% endif %}",
    "{{ item.email if item.email != none else '' }}",
    "{{ item.note | default('') | upper }}",
    "{{ item.inner.deep | default('') if item.inner is defined else '' }}",
    "{% set phone = item.phone | default('-') %}{{ phone }}",
    "{% if item.mixed is string or item.mixed is number %}{{ item.mixed }}{% endif %}",
    "{% for row in item.rows | default([]) %}{{ row.x }}{{ row.y | default('') }}{{ loop.index }}{% endfor %}",
    "{% if item.kind in ['lead', 'customer'] %}x{% endif %}",
    "{{ item.number + 1 }}{{ item.number * -2 }}",
    "{{ item.name ~ '-' ~ item.number }}",
    "{{ item.tags | join(', ') }}{{ item.tags | length }}",
    "{% for number in range(1, 4) %}{{ number }}{{ loop.last }}{% endfor %}",
    "{{ [item.name, item.email] | compact | join(', ') }}",
    "{{ now() }}{{ today('Europe/Berlin') }}{{ uuid() }}{{ now() | format_date('%Y') | default('') }}",
    "{{ item.phone | when('a phone', 'none') }}{{ item.phone | is_in([none]) }}",
]


@pytest.mark.parametrize("text", FINE)
def test_what_cannot_fail_is_not_complained_about(text: str) -> None:
    assert Emitter(SCOPE).template(text).findings == []


FINDINGS = [
    ("{{ item.nme }}", "SF304 error at `item.nme`: there is no `nme` here; meant: name"),
    ("{{ itm.name }}", "SF304 error at `itm`: expressions do not see `itm`; meant: item"),
    ("{{ item.name.a }}", "SF320 error at `item.name.a`: `a` is read from what is no object, so it is never there"),
    (
        "{{ item.phone }}",
        "SF331 warning at `item.phone`: the template fails where item.phone is absent; "
        "give a default, item.phone | default(''), or write it inside {% if item.phone is defined %}",
    ),
    (
        "{{ item.tags[0] }}",
        "SF331 warning at `item.tags[0]`: the template fails where item.tags[0] is absent; "
        "give a default, item.tags[0] | default(''), or write it inside {% if item.tags[0] is defined %}",
    ),
    (
        "{{ item.rows | length }}",
        "SF331 warning at `item.rows`: the template fails where item.rows is absent; "
        "give a default, item.rows | default(''), or write it inside {% if item.rows is defined %}",
    ),
    (
        "a {{ item.email }}",
        'SF330 warning at `item.email`: where this is null, the text says "None"; '
        "give a default: {{ item.email | default('') }}",
    ),
    (
        "{{ item.name ~ item.email }}",
        'SF330 warning at `item.email`: where this is null, the text says "None"; '
        "give a default: {{ item.email | default('') }}",
    ),
    (
        "{{ item.tags }}",
        "SF332 error at `item.tags`: a list or an object cannot be inserted as text; use join, or to_json | default('')",
    ),
    (
        "{% if item.name is defined %}x{% endif %}",
        "SF333 warning at `item.name is defined`: this condition is always true",
    ),
    (
        "{% if item.tags is string %}x{% endif %}",
        "SF333 warning at `item.tags is string`: this condition is always false",
    ),
    (
        "{% if item.kind == 'laed' %}x{% endif %}",
        "SF321 warning at `item.kind == 'laed'`: this comparison is always false; meant: lead",
    ),
    (
        "{{ item.number < 'a' }}",
        "SF323 warning at `item.number < 'a'`: < fails where the two values do not fit together",
    ),
    ("{% for x in item.number %}x{% endfor %}", "SF334 error at `item.number`: for fails: this has no elements"),
    (
        "{{ item.rows | default([]) | join }}",
        "SF332 warning at `join`: join fails where an element is a list or an object; take a field of each, or to_json",
    ),
    (
        "{{ [item.name, item.email] | join(', ') }}",
        'SF330 warning at `join`: where an element is null, the text says "None"; '
        "leave nulls out: … | compact | join(', ')",
    ),
    (
        "{{ item.tags | lower }}",
        "SF322 error at `item.tags`: lower is always null: this argument never fits",
    ),
    ("{{ item.number / item.number }}", "SF323 warning at `item.number / item.number`: / fails where the divisor is 0"),
    ("{{ item.name * 2 }}", "SF322 error at `item.name * 2`: * fails: it takes two numbers"),
    (
        "{{ item.number is divisibleby(item.number) }}",
        "SF323 warning at `item.number is divisibleby`: the test divisibleby fails where a value does not fit",
    ),
    ("{% if false %}{{ item.nme }}{% endif %}x", None),
]


@pytest.mark.parametrize(("text", "words"), FINDINGS, ids=[text for text, _ in FINDINGS])
def test_what_may_fail_is_said_at_its_place_with_what_to_write(text: str, words: str | None) -> None:
    findings = Emitter(SCOPE).template(text).findings
    assert [_line(text, finding) for finding in findings] == ([] if words is None else [words])


def _line(text: str, finding: Finding) -> str:
    place = text[finding.offset : finding.offset + finding.length]
    meant = f"meant: {finding.suggestion}" if finding.suggestion else ""
    message = f"{finding.code} {finding.severity} at `{place}`: {finding.message}"
    return "; ".join(filter(None, [message, meant, finding.hint]))


def test_what_is_not_checked_is_said_once() -> None:
    codes = [finding.code for finding in Emitter(SCOPE).template("{{ item.tags | map('upper') | join }}").findings]
    assert codes.count("SF335") == 1


def test_slices_and_ranges_of_any_bounds_are_checked() -> None:
    text = "{% for number in range(item.number) %}{{ number }}{% endfor %}"
    assert Emitter(SCOPE).template(text).findings == []
    assert Emitter(SCOPE).template("{{ item.tags[1:2] | length }}").findings == []


def test_a_scope_that_promises_nothing_gives_text_of_any_length() -> None:
    assert Emitter(ANY).template("{{ a | default('') }}").type == Text(max_length=1_000_000)
