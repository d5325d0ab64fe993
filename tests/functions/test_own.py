"""A project's own functions: read by their hints, called in both languages, and behind a wall when they fail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from syncflow.compiler.build import build
from syncflow.compiler.explanations import Narrator
from syncflow.compiler.fingerprint import fingerprint
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.single_expressions import compile_expression
from syncflow.compiler.types.words import describe
from syncflow.config.project import Project
from syncflow.errors import DataError
from syncflow.events import Accepted, Json, Position, Raw, Routed
from tests.compiler.projects import changed, open_project

MODULE = """
    from __future__ import annotations

    from typing import Any, Literal

    from syncflow import function

    MOST = 3


    @function(total=True, longest=8)
    def grade(score: int | None, style: Literal["short", "long"] = "short") -> str:
        \"\"\"Name a score.

        None is no score.\"\"\"
        return "none" if score is None else f"{style}-{score}"[:8]


    def strict(text: str) -> str:
        if text == "sick":
            raise ValueError(f"the secret of {text}")
        return text.upper()


    @function(total=True)
    def lying(text: str) -> str:
        return None


    @function(total=True)
    def first_of(values: list[int | str], *others: str) -> int | str | None:
        values.append(0)
        return next(iter([*values, *others]), None)


    @function(total=True)
    def shares(parts: dict[str, float]) -> dict[str, float]:
        return {name: part / 2 for name, part in parts.items()}


    @function
    def marked(value: Any) -> bool:
        return value is None


    def _hidden(text: str) -> str:
        return text
"""

CALLS = [
    ("grade(`5`)", "short-5"),
    ("grade(`null`)", "none"),
    ("grade(missing)", "none"),
    ("grade(`5`, 'long')", "long-5"),
    ("grade(`5.0`)", "short-5"),
    ("grade(`5`, 'other')", None),
    ("grade('text')", None),
    ("strict('a')", "A"),
    ("strict(`5`)", "5"),
    ("strict(`null`)", None),
    ('first_of(`[7, "a"]`)', 7),
    ("first_of(`[]`, 'x', 'y')", 0),
    ("first_of(`[true]`)", "true"),
    ("first_of(`[null]`)", None),
    ('shares(`{"a": 1}`)', {"a": 0.5}),
    ('shares(`{"a": "1"}`)', None),
    ("marked(missing)", True),
]


def own(directory: Path, **files: str) -> Project:
    """Return a project with the module, and with files of its own."""
    routes = changed("routes.yaml", ("source:", "functions: functions.py\nsource:"))
    return open_project(directory, {**routes, "functions.py": dedent(MODULE).lstrip(), **files})


def payload(project: Project, item: Mapping[str, Json]) -> Routed:
    program = build(project)
    body = json.dumps({"record": "contacts", "operation": "create", "item": {"id": "1", "type": "lead", **item}})
    accepted = program.check(Raw(Position("test", 1), body.encode()))
    assert isinstance(accepted, Accepted)
    return program.route(accepted)


@pytest.mark.parametrize(("text", "result"), CALLS, ids=[text for text, _ in CALLS])
def test_arguments_are_read_by_their_hints(text: str, result: Json, tmp_path: Path) -> None:
    assert compile_expression(text, functions=library_of(own(tmp_path))).evaluate({}) == result


def test_a_function_is_a_filter_too(tmp_path: Path) -> None:
    expression = compile_expression("{{ 5 | grade('long') }}", functions=library_of(own(tmp_path)))
    assert expression.evaluate({}) == "long-5"


def test_only_the_modules_own_public_functions_are_taken(tmp_path: Path) -> None:
    found = {name for name, function in library_of(own(tmp_path)).items() if function.group == "own"}
    assert found == {"grade", "strict", "lying", "first_of", "shares", "marked"}


def test_types_and_lengths_are_those_of_the_hints(tmp_path: Path) -> None:
    library = library_of(own(tmp_path))
    assert describe(library["grade"].result()) == "text, at most 8 characters"
    assert describe(library["first_of"].result()) == "integer or text or null, at most 1000000 characters"
    assert describe(library["marked"].result()) == "true or false"
    assert library["grade"].summary == "Name a score."


def test_what_a_function_is_given_stays_as_it_is(tmp_path: Path) -> None:
    root = {"values": [1]}
    compile_expression("first_of(values)", functions=library_of(own(tmp_path))).evaluate(root)
    assert root == {"values": [1]}


def test_what_fails_names_the_line_and_no_data(tmp_path: Path) -> None:
    mapping = changed("person.yaml", ("item.name || 'Unknown'", "strict(item.name || 'Unknown')"))
    routed = payload(own(tmp_path, **mapping), {"name": "sick"})
    assert [(failure.stage, failure.code, failure.reason) for failure in routed.failures] == [
        ("mapping", "expression", "last_name: strict() failed (ValueError)")
    ]


def test_a_filter_that_fails_is_a_dead_letter_even_with_a_default(tmp_path: Path) -> None:
    text = "{from: \"{{ item.name | default('x') | strict }}\", default: x}"
    mapping = changed("person.yaml", ("item.name || 'Unknown'", text))
    routed = payload(own(tmp_path, **mapping), {"name": "sick"})
    assert [failure.reason for failure in routed.failures] == ["last_name: strict() failed (ValueError)"]


def test_a_default_takes_the_place_of_what_fails(tmp_path: Path) -> None:
    mapping = changed("person.yaml", ("item.name || 'Unknown'", "{from: strict(item.name), default: nobody}"))
    project = own(tmp_path, **mapping)
    assert payload(project, {"name": "sick"}).matches[0].payload["last_name"] == "nobody"
    assert payload(project, {"name": "ada"}).matches[0].payload["last_name"] == "ADA"


def test_a_result_of_another_type_is_a_dead_letter_and_not_sent(tmp_path: Path) -> None:
    mapping = changed("person.yaml", ("item.name || 'Unknown'", "truncate(lying(item.name || 'x'), `9`)"))
    routed = payload(own(tmp_path, **mapping), {})
    assert [failure.reason for failure in routed.failures] == [
        "last_name: lying() returned null, and its hint says text, at most 1000000 characters"
    ]


def test_a_rule_that_fails_is_a_dead_letter_of_the_stage_route(tmp_path: Path) -> None:
    files = {"functions.py": dedent(MODULE).lstrip()}
    routes = changed("routes.yaml", ("source:", "functions: functions.py\nsource:"), ("item.type", "strict(item.name)"))
    routed = payload(open_project(tmp_path, {**routes, **files}), {"name": "sick"})
    assert [(failure.stage, failure.reason) for failure in routed.failures] == [
        ("route", "strict() failed (ValueError)")
    ]


def test_explain_shows_what_they_gave(tmp_path: Path) -> None:
    mapping = changed("person.yaml", ("item.name || 'Unknown'", "{from: strict(item.name), default: nobody}"))
    project = own(tmp_path, **mapping)
    item = {"id": "1", "type": "lead", "name": "sick"}
    body = json.dumps({"record": "contacts", "operation": "create", "item": item}).encode()
    story = Narrator(project, build(project)).explain(Raw(Position("test", 1), body))
    fields = {origin.field: (origin.how, origin.value) for origin in story.routes[0].legs[0].fields}
    assert fields["last_name"] == ("default", "nobody")


def test_what_stands_before_the_schema_does_not_see_them(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="unknown function `grade`"):
        compile_expression("grade(`5`)")
    routes = changed("routes.yaml", ("source:", "functions: functions.py\nsource:"), ("record == 'noise'", "marked(@)"))
    from syncflow.compiler.problems import check

    project = open_project(tmp_path, {**routes, "functions.py": dedent(MODULE).lstrip()})
    assert [problem.message for problem in check(project)] == ["unknown function `marked`"]


def test_a_changed_module_is_a_changed_program(tmp_path: Path) -> None:
    before = own(tmp_path)
    first = fingerprint(before)
    after = own(tmp_path, **{"functions.py": dedent(MODULE).lstrip().replace('"none"', '"never"')})
    assert fingerprint(after) != first
    assert compile_expression("grade(`null`)", functions=library_of(after)).evaluate({}) == "never"


def test_an_installed_module_may_be_named_with_dots(tmp_path: Path) -> None:
    routes = changed("routes.yaml", ("source:", "functions: lib.mine\nsource:"))
    project = open_project(tmp_path, {**routes, "lib/mine.py": dedent(MODULE).lstrip()})
    assert "grade" in library_of(project)


def test_a_failure_of_a_plain_evaluation_is_a_data_error(tmp_path: Path) -> None:
    expression = compile_expression("strict('sick')", functions=library_of(own(tmp_path)))
    with pytest.raises(DataError, match=r"strict\(\) failed \(ValueError\)$"):
        expression.evaluate({})
