"""A Pydantic model stands for a schema file, from loading to the door; what a schema file cannot say is refused."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from syncflow.compiler.build import build
from syncflow.compiler.problems import check
from syncflow.config.project import load_project, read_project
from syncflow.config.python_schemas import names_model
from syncflow.events import Accepted, Position, Raw, Refused
from tests.compiler.projects import changed, write_project

MODEL = """
    from __future__ import annotations

    from datetime import datetime
    from enum import Enum
    from typing import Annotated, Any, Literal
    from uuid import UUID

    from pydantic import BaseModel, ConfigDict, Field


    class Kind(str, Enum):
        LEAD = "lead"
        CUSTOMER = "customer"
        PARTNER = "partner"


    class Address(BaseModel):
        street: str | None = None
        zip: Annotated[str, Field(max_length=5, pattern="^[0-9]+$")] = "0"
        within: Address | None = None


    class Contact(BaseModel):
        model_config = ConfigDict(extra="forbid")

        id: str = Field(min_length=1, max_length=20, description="Ours")
        name: str = Field(default="", max_length=10, json_schema_extra={"personal": True})
        email: str | None = Field(default=None, json_schema_extra={"format": "email"})
        type: Kind
        since: datetime | None = None
        reference: UUID | None = None
        age: int = Field(gt=0, lt=100, default=5)
        addresses: list[Address] = []
        main: Address | None = None
        more: dict[str, int] = {}
        style: Literal["a", "b"] = "a"
        anything: Any = None
"""


def opened(directory: Path, *changes: tuple[str, str], schema: str = "models:Contact") -> Path:
    """Write a project whose schema is the model, with words of it changed."""
    text = dedent(MODEL).lstrip()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    routes = changed("routes.yaml", ("schema: contact.yaml", f'schema: "{schema}"'))
    return write_project(directory, {**routes, "models.py": text})


def said(path: Path) -> list[str]:
    return [f"{problem.code} {problem.message}" for problem in read_project(path, environment={})[1]]


@pytest.mark.parametrize("schema", ["models:Contact", "models.py:Contact", "./models.py:Contact"])
def test_a_model_is_a_schema_like_any_other(schema: str, tmp_path: Path) -> None:
    project = load_project(opened(tmp_path, schema=schema), environment={})
    assert check(project) == []
    assert project.schemas["contacts"].path.name == "models.py"
    assert project.schemas["contacts"].model.properties["name"].personal


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"id": "1", "type": "lead"}, ""),
        ({"id": "1", "type": "lead", "main": {"zip": "123", "within": {"zip": "1"}}, "more": {"a": 1}}, ""),
        ({"id": "1", "type": "lad"}, "item.type"),
        ({"id": "1", "type": "lead", "age": 0}, "item.age"),
        ({"id": "1", "type": "lead", "age": 100}, "item.age"),
        ({"id": "1", "type": "lead", "age": "5"}, "item.age"),
        ({"id": "1", "type": "lead", "other": 1}, "item.other"),
        ({"id": "1", "type": "lead", "main": {"zip": "x"}}, "item.main.zip"),
        ({"id": "1", "type": "lead", "email": "x"}, "item.email"),
        ({"type": "lead", "id": ""}, "id"),
    ],
)
def test_the_door_checks_by_it(item: dict[str, object], reason: str, tmp_path: Path) -> None:
    program = build(load_project(opened(tmp_path), environment={}))
    body = json.dumps({"record": "contacts", "operation": "create", "item": item}).encode()
    came = program.check(Raw(Position("test", 1), body))
    assert isinstance(came, Refused if reason else Accepted)
    assert not isinstance(came, Refused) or reason in came.reason


def test_a_mapping_is_inferred_from_it(tmp_path: Path) -> None:
    path = opened(tmp_path, ("max_length=10", "max_length=11"))
    assert [problem.code for problem in check(load_project(path, environment={}))] == ["SF342"]


def test_a_changed_model_is_read_anew(tmp_path: Path) -> None:
    first = load_project(opened(tmp_path), environment={})
    second = load_project(opened(tmp_path, ("max_length=10", "max_length=9")), environment={})
    assert [project.schemas["contacts"].model.properties["name"].max_length for project in (first, second)] == [10, 9]


@pytest.mark.parametrize(
    ("schema", "change", "problem"),
    [
        ("models:Contct", ("", ""), "it has no Pydantic model `Contct`; there is Address, Contact"),
        ("modls:Contact", ("", ""), "there is no Python module `modls`"),
        ("modls.py:Contact", ("", ""), "there is no such file"),
        ("models:Kind", ("", ""), "it has no Pydantic model `Kind`; there is Address, Contact"),
        (
            "models:Contact",
            ("Any = None", "float = Field(gt=0)"),
            "properties.anything.exclusiveMinimum: a schema file",
        ),
        ("models:Contact", ("from uuid", "from uid"), "there is no Python module `uid` (line 6)"),
    ],
)
def test_what_cannot_stand_for_a_schema_is_said_where_it_is_named(
    schema: str, change: tuple[str, str], problem: str, tmp_path: Path
) -> None:
    found = said(opened(tmp_path, change, schema=schema))
    assert found[0].startswith(f"SF616 {schema} cannot be used as a schema: {problem}")
    assert {each[:5] for each in found} <= {"SF616", "SF404"}


@pytest.mark.parametrize("text", ["schemas/contact.yaml", "C:/contact.yaml", "contact", "a:b:c", "models:", ":Contact"])
def test_a_path_is_no_model(text: str) -> None:
    assert not names_model(text)
