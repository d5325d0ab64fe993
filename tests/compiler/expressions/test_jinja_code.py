"""The code that templates become: plain where types prove it, bounded everywhere, and made of the file's text as constants."""

from __future__ import annotations

import ast
from typing import Any
from urllib.parse import quote

import pytest

from syncflow.compiler.expressions import Emitter, Place
from syncflow.compiler.functions import FUNCTIONS
from syncflow.compiler.functions.ambient import Ambient, surrounded_by
from syncflow.compiler.languages.base import ExpressionError
from syncflow.compiler.types.json import ANY, TEXT, Array, Text, closed_object, nullable, optional
from syncflow.errors import DataError
from tests.compiler.expressions.jinja_strategies import SCOPE
from tests.compiler.expressions.sandbox import compile_inserts

PEOPLE = closed_object(
    item=closed_object(
        name=Text(max_length=40),
        email=nullable(Text(max_length=80)),
        phone=optional(Text(max_length=20)),
        tags=Array(Text(max_length=5), 0, 3),
        inner=optional(closed_object(deep=optional(Text(max_length=5)))),
    )
)


def _source(text: str) -> str:
    emitter = Emitter(PEOPLE)
    return emitter.function("text", emitter.template(text)).source


CODE = [
    (
        "{{ item.name }} <{{ item.email | default('-') }}>",
        """
        def text(root):
            item = root['item']
            name = item['name']
            default_email = default(item['email'], '-')
            return f'{name} <{default_email}>'
        """,
    ),
    (
        "{% if item.phone is defined %}{{ item.phone }}{% else %}none{% endif %}",
        """
        def text(root):
            item = root['item']
            return item.get('phone') if 'phone' in item else 'none'
        """,
    ),
    ("{{ item.phone }}", "def text(root):\n    return need(root['item'], 'phone')"),
    (
        "{{ item.phone | default('') | lower }}",
        "def text(root):\n    return default(root['item'].get('phone'), '').lower()",
    ),
    (
        "{% set mark = item.name | upper %}{{ mark }}-{{ mark }}",
        """
        def text(root):
            upper_name = root['item']['name'].upper()
            return f'{upper_name}-{upper_name}'
        """,
    ),
    (
        "{% for tag in item.tags %}#{{ tag }}{% endfor %}",
        """
        def text(root):
            return text_of_each(root['item']['tags'], lambda tag: f'#{tag}')
        """,
    ),
    ("{{ item.name[1:3] }}", "def text(root):\n    return a_slice(root['item']['name'], 1, 3, None)"),
    ("{{ 'a' }}{# no #}{% raw %}{{ b }}{% endraw %}", "def text(root):\n    return 'a{{ b }}'"),
]


def _unindented(code: str) -> str:
    lines = code.strip("\n").rstrip().split("\n")
    indent = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[indent:] for line in lines) + "\n"


@pytest.mark.parametrize(("text", "code"), CODE, ids=[text for text, _ in CODE])
def test_a_template_becomes_code_that_a_person_would_write(text: str, code: str) -> None:
    assert _source(text) == _unindented(code)


def test_equal_templates_become_equal_code() -> None:
    text = "{% for tag in item.tags %}{{ loop.index }}{{ tag | upper }}{% endfor %}{{ item.name ~ item.email }}"
    assert _source(text) == _source(text)


def test_templates_and_expressions_of_one_function_share_what_they_read() -> None:
    emitter = Emitter(PEOPLE)
    emitter.field("Name", "upper(item.name)")
    emitter.field("Text", "{{ item.name | upper }}!")
    assert emitter.function("fields").source.count("upper(") == 1


@pytest.mark.parametrize(
    "words", ["'''", '"\\', "\n", "\N{SNOWMAN}", "{item}", "__import__('os')", "'); exit(", "\x00"], ids=repr
)
def test_words_of_a_template_are_never_code(words: str) -> None:
    emitter = Emitter(ANY)
    generated = emitter.function("text", emitter.template(words + "{{ a }}" + words))
    assert generated.call({"a": "1"}) == f"{words}1{words}"
    names = {node.id for node in ast.walk(generated.module) if isinstance(node, ast.Name)}
    assert names <= {"root", "need", "as_text", "limited", "as_text_need_root", "text"}


BOMBS = [
    "{{ 'a' * 300000000 }}",
    "{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}",
    "{% set a = 'aaaaaaaaaaaa' %}" + "{% set a = a ~ a %}" * 30,
    "{% set a = 'aaaaaaaaaaaa' %}" + "{% set a = a + a %}" * 30,
    "{% set a %}{{ item.name }}{{ item.name }}{% endset %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 30,
    "{% set a = item.tags %}" + "{% set a = [a, a] %}" * 40 + "{{ a | to_json }}",
    "{% for a in item.name | pad_end(1000000) %}xx{% endfor %}",
    "{% for a in item.name ~ item.long %}xx{% endfor %}",
    "{{ ['a', 'b', 'c'] | join(item.long) }}",
]


@pytest.mark.parametrize("text", BOMBS, ids=[text[:40] + text[-20:] for text in BOMBS])
@pytest.mark.parametrize("scope", [SCOPE, ANY], ids=["typed", "any"])
def test_what_would_grow_without_bound_fails(text: str, scope: Any) -> None:
    emitter = Emitter(scope)
    generated = emitter.function("text", emitter.template(text))
    with pytest.raises(DataError):
        generated.call({"item": {"name": "Ada", "tags": ["a"], "long": "x" * 900_000}})


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ item.name.upper() }}",
        "{% include 'x' %}",
        "{{ 9 ** 9999 }}",
        "{{ " + "(" * 1000 + "1" + ")" * 1000 + " }}",
        "{% if a %}" * 200 + "{% endif %}" * 200,
        "{{ a }}" + "x" * 100_001,
    ],
    ids=lambda text: text[:20],
)
def test_what_reaches_for_python_or_is_too_deep_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        Emitter(ANY).template(text)


def test_branches_that_bind_a_name_again_and_again_do_not_multiply_code() -> None:
    step = "{% if item.active %}{% set v = v ~ 'a' %}{% else %}{% set v = v ~ 'b' %}{% endif %}"
    for times in (10, 60):
        emitter = Emitter(SCOPE)
        generated = emitter.function("text", emitter.template("{% set v = '' %}" + step * times + "{{ v }}"))
        assert len(generated.source) < 200 * times
        assert generated.call({"item": {"active": True}}) == "a" * times


def test_a_long_template_of_plain_parts_is_straight_code() -> None:
    emitter = Emitter(PEOPLE)
    generated = emitter.function("text", emitter.template("{{ item.name }}, " * 1000))
    assert "text_of" not in generated.source
    assert generated.call({"item": {"name": "A"}}) == "A, " * 1000


def test_an_insert_passes_through_the_escape_and_words_do_not() -> None:
    emitter = Emitter(PEOPLE)
    for text in ("/a b/{{ item.name }}/{{ 'c d' }}", "/a b/{{ item.name[0:9] }}/{{ 'c d' }}"):
        made = emitter.template(text, escape=lambda part: quote(part, safe=""))
        assert emitter.function("text", made).call({"item": {"name": "q /é"}}) == "/a b/q%20%2F%C3%A9/c%20d"


def test_an_error_of_a_template_names_its_field_and_its_place() -> None:
    emitter = Emitter(PEOPLE, file="mappings/people.yaml")
    emitter.field("Phone", "Call\n{{ item.phone }}", place=lambda offset, length: Place(7, offset, 7, offset + length))
    with pytest.raises(DataError) as failed:
        emitter.function("fields").call({"item": {"name": "Ada"}})
    assert (failed.value.message, failed.value.hint) == ("'phone' is not there", "see mappings/people.yaml:7:9")


def test_a_template_tells_the_paths_it_reads_with_their_places() -> None:
    text = "{% for tag in item.tags %}{{ tag.x }}{% endfor %}{{ item['name'] | lower }}"
    reads = Emitter(ANY).template(text).reads
    assert {(text[read.offset :][:4], read.steps) for read in reads} == {
        ("item", ("item",)),
        ("item", ("item", "tags")),
        ("item", ("item", "name")),
    }


def test_places_count_characters_of_the_file_whatever_its_lines_end_with() -> None:
    text = "a\r\n\r\n{{- item.name -}} \r\n{{ itm }}"
    (finding,) = Emitter(PEOPLE).template(text).findings
    assert text[finding.offset : finding.offset + finding.length] == "itm"


def test_the_type_of_text_without_bound_is_bounded_by_what_a_template_may_write() -> None:
    emitted = Emitter(closed_object(item=TEXT)).template("{{ item }}{{ item }}")
    assert emitted.type == Text(max_length=1_000_000)


FIXED = Ambient(now=lambda: 1705314600.0, uuid=lambda: "00000000-0000-4000-8000-000000000000")


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{{ now() }}", "2024-01-15T10:30:00Z"),
        ("{{ today('Pacific/Kiritimati') }}/{{ today() }}", "2024-01-16/2024-01-15"),
        ("{{ uuid() | truncate(8) }}", "00000000"),
        ("{% for x in [1, 2] recursive %}{% endfor %}", None),
        ("{% for x in range(2) %}{{ today() }} {{ x }};{% endfor %}", "2024-01-15 0;2024-01-15 1;"),
        ("{% for k, v in {'a': 1}.items() %}{% endfor %}", None),
        ("{% for k, v in {'a': today()} | items %}{{ k }}{{ v }}{% endfor %}", "a2024-01-15"),
        ("{% set now = 1 %}{{ now() }}", None),
        ("{{ now(1) }}", None),
        ("{{ today(zone='UTC') }}", None),
        ("{{ today('Nowhere') }}", None),
        ("{{ lower('X') }}", None),
        ("{{ now }}", None),
    ],
)
def test_a_function_that_needs_no_value_is_called_by_its_name(text: str, result: str | None) -> None:
    """None: refused, by the compiler and by the sandbox alike; `now` alone is a name that nobody knows."""
    if result is None:
        for render in (_generated, _sandboxed):
            with pytest.raises((ExpressionError, DataError)):
                render(text)
        return
    with surrounded_by(FIXED):
        assert _generated(text) == _sandboxed(text) == result


def _generated(text: str) -> Any:
    emitter = Emitter(ANY)
    return emitter.function("render", emitter.template(text)).call({})


def _sandboxed(text: str) -> Any:
    return compile_inserts(text, FUNCTIONS)({}, None)
