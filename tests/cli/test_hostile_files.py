"""Hostile and absurd text in a project: refused or bounded with a diagnostic, never executed, never a crash."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncflow.compiler.expressions import Emitter
from syncflow.compiler.single_expressions import ExpressionError, compile_expression
from syncflow.compiler.types.json import ANY
from syncflow.config.yaml import read_text
from syncflow.errors import DataError
from tests.cli.conftest import Command
from tests.compiler.projects import changed, write_project
from tests.effort import examples

REFUSED = {
    "an expression of 100 kB": ("item." + "a" * 100_000, "longer than 100,000 characters"),
    "a thousand brackets": ("(" * 1_000 + "item.id" + ")" * 1_000, "nested more than 100 deep"),
    "a thousand brackets in Jinja": ("{{ " + "(" * 1_000 + "item.id" + ")" * 1_000 + " }}", "SF301"),
    "a way to Python's classes": ("{{ ''.__class__.__mro__ }}", "__mro__ is not a field"),
    "a way to Python's classes by brackets": ("{{ ''['__class__']['__mro__'] }}", "SF33"),
    "a call of what is no function": ("{{ item.id.upper() }}", "upper cannot be called"),
    "an import": ("{% import 'os' as os %}{{ os }}", "import is not allowed"),
    "a pattern that RE2 does not know": ("matches(item.name, '(?=a)')", "SF306"),
}
WORK = {
    "nested loops": "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}x{% endfor %}{% endfor %}{% endfor %}",
    "a text of 300 MB": "{{ 'a' * 300000000 }}",
    "a power tower": "{{ 9 ** 9 ** 9 }}",
    "a long repetition": "repeat('a', `300000000`)",
    "a pattern that would backtrack": "to_string(matches('" + "a" * 5_000 + "!', '^(a+)+$'))",
}


def _project(folder: Path, expression: str) -> Path:
    return write_project(folder, changed("person.yaml", ("item.name || 'Unknown'", json.dumps(expression))))


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_absurd_is_refused_with_a_place(command: Command, tmp_path: Path, name: str) -> None:
    expression, said = REFUSED[name]
    ended = command("validate", "--strict", _project(tmp_path, expression), "--output", "concise")
    assert ended.code == 1
    assert said in ended.out
    assert "person.yaml:6" in ended.out
    assert "Traceback" not in ended.out + ended.err


@pytest.mark.parametrize("name", WORK)
def test_what_would_cost_too_much_is_bounded(command: Command, tmp_path: Path, name: str) -> None:
    routes = _project(tmp_path, WORK[name])
    events = tmp_path / "sample.jsonl"
    events.write_text('{"record": "contacts", "operation": "create", "item": {"id": "1", "type": "lead"}}\n', "utf-8")
    for ended in (command("validate", routes), command("dry-run", routes, "--events", events)):
        assert ended.code in {0, 1}
        assert "Traceback" not in ended.out + ended.err
        assert "bug in syncflow" not in ended.err


def test_a_bomb_of_aliases_is_refused(command: Command, tmp_path: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 12)]
    routes = write_project(tmp_path, {"contact.yaml": "\n".join(levels) + "\n"})
    ended = command("validate", routes, "--output", "concise")
    assert ended.code == 1
    assert "SF112" in ended.out


@pytest.mark.parametrize(
    "name", ["it's", 'say "x"', "two\nlines", "🎉", "class", "def", "__import__", "a{{b}}", "\\", " "]
)
def test_any_name_of_a_field_is_only_a_name(command: Command, tmp_path: Path, name: str) -> None:
    quoted = json.dumps(name, ensure_ascii=False)
    files = {
        **changed("person.yaml", ("  email:", f"  {quoted}: item.id\n  email:")),
        **changed("adapters/objects/people.yaml", ("  score:", f"  {quoted}: {{length: 20}}\n  score:")),
    }
    routes = write_project(tmp_path, files)
    events = tmp_path / "sample.jsonl"
    events.write_text('{"record": "contacts", "operation": "create", "item": {"id": "1", "type": "lead"}}\n', "utf-8")
    assert command("validate", "--strict", routes).code == 0
    ended = command("dry-run", routes, "--events", events, "--output", "json")
    assert ended.code == 0
    assert quoted in ended.out or json.dumps(name) in ended.out


@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=60) | st.binary(max_size=60))
def test_the_loader_takes_any_text(text: str | bytes) -> None:
    tree, _, diagnostics = read_text(text, name="any.yaml")
    assert tree is not None or diagnostics


_WORDS = (
    "item . [ ] ( ) {{ }} {% %} | || && ! ' \" ` & @ * ? , lower sort_by for x in endfor if endif set = == - 0 1:2 ü"
)
_BITS = st.sampled_from([*_WORDS.split(), " ", "\n", "\ud800"])


@settings(max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_BITS, max_size=14).map("".join) | st.text(max_size=30))
def test_the_parsers_and_the_code_generator_take_any_text(text: str) -> None:
    try:
        expression = compile_expression(text)
    except ExpressionError:
        return  # refused in words; anything else would fail here
    emitter = Emitter(ANY)
    made = emitter.function("any", emitter.expression(text)).call
    for call in (expression.evaluate, made):
        with suppress(DataError):
            call({"item": {"id": "1"}})
