"""Expressions: what they give, what is refused and where, what they may cost."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import quote

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow.compiler.expressions import Emitter
from syncflow.compiler.single_expressions import ExpressionError, compile_expression
from syncflow.compiler.types.json import ANY
from syncflow.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore:deprecated string literal syntax")  # the library on `text`

ROOT: dict[str, Any] = {
    "record": "contacts",
    "operation": "create",
    "item": {"name": "Ada", "email": None, "n": 5, "tags": ["a", "b"], "items": 3, "rows": [{"x": 1}, {"x": 2}]},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("item.name", "Ada"),
        ("item.nothing.at.all", None),
        ("lower(item.name)", "ada"),
        ("item.email || 'none'", "none"),
        ("item.rows[?x > `1`].x | [0]", 2),
        ("item.n > item.name", None),
        ("contains(item.name, `1`)", False),
        ("to_number('nan')", None),
        ("to_number('1_000')", None),
        ("to_number('12.50')", 12.5),
        ("`0` && 'zero is true'", "zero is true"),
        ("{{ item.name }}\n", "Ada\n"),
        ("{{ item.name | lower }}!", "ada!"),
        ("{{ item.n }}", "5"),
        ("{{ item.items }}", "3"),
        ("{{ item.tags | join(', ') }}", "a, b"),
        ("{{ item.missing | default('x') }}", "x"),
        ("{{ item.email | default('x') }}", "x"),
        ("{% for tag in item.tags %}{{ loop.index }}{{ tag }}{% endfor %}", "1a2b"),
        ("{{ 'x' if item.n > 3 else 'y' }}", "x"),
        ("{{ item.name ~ item.n ~ '.' }}", "Ada5."),
        ("{% if item.email is none %}-{% endif %}", "-"),
        ("{{ range(3) | list | length }}", "3"),
        ("{{ item.rows | map(attribute='x') | sort | join }}", "12"),
        ("{{ item.n | string | length }}", "1"),
        ("{% for key, value in item.rows[0] | items %}{{ key }}={{ value }}{% endfor %}", "x=1"),
    ],
)
def test_an_expression_gives_its_value(text: str, value: object) -> None:
    assert compile_expression(text).evaluate(ROOT) == value


@pytest.mark.parametrize(
    ("text", "message", "offset", "help_"),
    [
        ("", "the expression is empty", 0, ""),
        ("item.", "the expression ends too early", 5, ""),
        ("'abc", "the ' opened here is never closed", 0, ""),
        ("item.a = 'x'", "= is not an operator", 7, "to compare, write =="),
        ("item.a and b", "unexpected and", 7, "the operator is written &&"),
        ("truncate(item.name, 4)", "unexpected 4", 20, "a number is written in backticks: `4`"),
        ("truncate(item.name `4`)", "a comma is missing", 19, ""),
        (
            "item.first-name",
            "unexpected -",
            10,
            'a name with a dash is written in double quotes: item."first-name"; numbers are subtracted by subtract(a, b)',
        ),
        (
            "item.a + 'x'",
            "unexpected +",
            7,
            "numbers are added by add(a, b); texts are joined in a template: {{ a }} {{ b }}",
        ),
        ("item.a * item.b", "unexpected *", 7, "numbers are multiplied by multiply(a, b)"),
        ('item["first name"]', 'unexpected "first name', 5, 'a field is read by a dot: ."first name"'),
        ("$.item.a", "unexpected $", 0, "a path begins with its first name"),
        ("a ? 'x' : 'y'", "unexpected ?", 2, "write when(a, 'x', 'y')"),
        ("a AND b", "unexpected AND", 2, "the operator is written &&"),
        ("not a", "unexpected a", 4, "the operator is written !"),
        ("item.tags.0", "unexpected 0", 10, "an element is taken in brackets: list[0]"),
        ("\u201ca\u201d", "unexpected \u201c", 0, "text stands in straight quotes: 'text'"),
        ("a\u00a0|| b", "this blank is U+00A0 (no-break space), and not a space", 1, "write a space"),
        ("if(a, 'x', 'y')", "unknown function `if`", 0, "when"),
        ("toLower(a)", "unknown function `toLower`", 0, "lower"),
        ('`["a`', "what stands between the backticks is not JSON", 0, "write text as 'text'"),
        ("`NaN`", "NaN and Infinity are not JSON", 0, ""),
        ("1" * 5000, "a number in the expression is too long", 0, ""),
        ("a[::0]", "the step of a slice cannot be 0", 2, ""),
        ("a || lowr(b)", "unknown function `lowr`", 5, "lower"),
        ("a || lower()", "lower() takes 1 argument, found 0", 5, ""),
        (
            "a || matches(b, '(?=a)')",
            "matches: expected a regular expression in RE2 syntax: invalid perl operator: (?=",
            16,
            "",
        ),
        (
            "{{ b | matches('(?=a)') }}",
            "matches: expected a regular expression in RE2 syntax: invalid perl operator: (?=",
            15,
            "",
        ),
        ("length(&a)", "argument 1 of length() must be a value, not a reference (&)", 7, ""),
        ("sort_by(a, b)", "argument 2 of sort_by() must be an expression reference such as &name", 11, ""),
        ("{{ item.name", "the {{ opened here is never closed", 0, "each {{ needs its }}"),
        ("a\n{{ item.name | lowr }}", "unknown filter `lowr`", 17, "lower"),
        ("{{ a is defind }}", "unknown test `defind`", 8, "defined"),
        ("{{ item.name | truncate }}", "truncate (with the value before it) takes 2 arguments, found 1", 15, ""),
        ("{{ ''.__class__ }}", "__class__ is not a field", 6, ""),
        ("{{ a.upper() }}", "upper cannot be called", 5, "functions are filters here: {{ value | upper }}"),
        ("{% include 'x' %}", "include is not allowed in an expression", 3, ""),
        ("{% macro f() %}{% endmacro %}", "macro is not allowed in an expression", 3, ""),
        ("{{ self }}", "expressions do not see `self`", 3, ""),
        ("{{ 9 ** 99 }}", "pow is not allowed in an expression", 0, ""),
    ],
)
def test_a_wrong_expression_is_refused_at_its_place_with_what_to_write(
    text: str, message: str, offset: int, help_: str
) -> None:
    with pytest.raises(ExpressionError) as refused:
        compile_expression(text)
    error = refused.value
    assert (error.message, error.offset) == (message, offset)
    assert help_ in (error.hint, error.suggestion)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 1000,
        "(" * 1000 + "a" + ")" * 1000,
        "[" * 1000 + "a" + "]" * 1000,
        "!" * 2000 + "a",
        "a" + " || a" * 500,
        "a" + "[*].a" * 500,
        "`" + "[" * 5000 + "]" * 5000 + "`",
        "x" * 100_001,
        "{{ " + "(" * 1000 + "1" + ")" * 1000 + " }}",
        "{{ " + "-" * 500 + "1 }}",
        "{{ " + "1+" * 500 + "1 }}",
        "{% if a %}" * 200 + "{% endif %}" * 200,
    ],
    ids=lambda text: text[:12],
)
def test_what_is_too_long_or_too_deep_is_refused_and_never_overflows(text: str) -> None:
    with pytest.raises(ExpressionError):
        compile_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'a' * 300000000 }}",
        "{{ [1] * 300000000 }}",
        "{{ '%0900000000d' % 5 }}",
        "{{ range(100000000) | list }}",
        "{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}",
        "{% for a in range(9000) %}" + "x" * 1000 + "{% endfor %}",
        "{% set a = 'aaaaaaaaaaaa' %}" + "{% set a = a ~ a %}" * 40,
        "{% set a = 'aaaaaaaaaaaa' %}" + "{% set a = a + a %}" * 40,
        "{% set a = 'aaaaaaaaaaaa' %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 40,
        "{% set a = [1] %}" + "{% set a = [a, a] %}" * 40 + "{{ a | to_json }}",
        "{{ range(9000) | join('x' * 9000) }}",
        "{{ item.tags }}",
        "{{ item.nme }}",
        "{{ item.nme.further }}",
        "{{ item.nme | lower }}",
        "{{ item.nme ~ 'x' }}",
        "{{ itme.name }}",
        "{{ 5 / 0 }}",
        "{{ ''['__class__'] }}",
        "join('', item.n)",
        "sum(item.tags)",
    ],
)
def test_what_cannot_be_made_is_a_data_error_without_the_data(text: str) -> None:
    with pytest.raises(DataError) as refused:
        compile_expression(text).evaluate(ROOT)
    assert "Ada" not in refused.value.message


def test_jinja_always_gives_text() -> None:
    assert compile_expression("{{ '555' }}").evaluate({}) == "555"
    assert compile_expression("{{ 1.0 }}").evaluate({}) == "1.0"


def test_an_expression_tells_the_paths_it_reads_with_their_places() -> None:
    read = compile_expression("lower(item.a) || item.rows[*].x").reads
    assert {(path.steps, path.offset) for path in read} >= {
        (("item", "a"), 11),
        (("item", "rows"), 22),
        (("item", "rows", None, "x"), 30),
    }
    assert [path.steps for path in compile_expression("a | b.c").reads] == [("a",), ("a", "b"), ("a", "b", "c")]
    jinja = compile_expression("{% for x in item.rows %}{{ x.y }}{% endfor %}{{ item['b'].c }}").reads
    assert {path.steps for path in jinja} >= {("item", "rows"), ("item", "b", "c")}
    assert all(path.steps[0] == "item" for path in jinja)


def test_extra_functions_are_known_only_where_they_are_given() -> None:
    from syncflow.compiler.functions import FUNCTIONS

    extra = {"shout": FUNCTIONS["upper"]}
    assert compile_expression("shout('a')", functions=extra).evaluate({}) == "A"
    with pytest.raises(ExpressionError):
        compile_expression("shout('a')")


def test_a_template_escapes_its_inserts_and_nothing_else() -> None:
    emitter = Emitter(ANY)
    template = emitter.template("/a b/{{ x }}/{{ 'c d' }}", escape=lambda text: quote(text, safe=""))
    assert emitter.function("url", template).call({"x": "q /é"}) == "/a b/q%20%2F%C3%A9/c%20d"


NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
PATHS = st.recursive(
    NAMES | st.just("@") | st.sampled_from(["`1`", "'a'", "`null`"]),
    lambda inner: st.one_of(
        st.builds("{}.{}".format, inner, NAMES),
        st.builds("{}[0]".format, inner),
        st.builds("{}[*].{}".format, inner, NAMES),
        st.builds("{}[]".format, inner),
        st.builds("{}[?{} == {}]".format, inner, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("({} && {})".format, inner, inner),
        st.builds("!{}".format, inner),
        st.builds("({} | {})".format, inner, inner),
        st.builds("not_null({}, {})".format, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{x: {}}}".format, inner),
    ),
    max_leaves=6,
)


@given(PATHS, VALUES)
def test_what_jmespath_gives_is_what_the_library_gives(text: str, value: Any) -> None:
    try:
        expected = jmespath.search(text, value)
    except jmespath.exceptions.ParseError:
        with pytest.raises(ExpressionError):
            compile_expression(text)
        return
    assert compile_expression(text).evaluate(value) == expected


@given(st.text(max_size=40) | st.text("{}%| .'ab()[]*!&`", max_size=40))
def test_whatever_the_text_it_compiles_or_is_refused(text: str) -> None:
    with suppress(ExpressionError, DataError):
        compile_expression(text).evaluate(ROOT)


def test_a_text_that_functions_make_longer_and_longer_ends_where_they_end() -> None:
    text = "{% set a = 'aaaaaaaaaaaa' %}" + "{% set a = a | replace('a', 'aaaa') %}" * 40
    assert compile_expression(text + "{{ a | length }}").evaluate({}) == "1000000"
