"""Models are built when a file first has them, and say the same as if they had been built as one."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import BaseModel, Field, ValidationError

from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.base import Elsewhere, Model
from syncflow.config.models.mapping import MappingFile
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.sources import SourceSettings
from syncflow.config.scalars import Count, Name


class Inner(Model):
    """A part."""

    count: Count


class Unasked(Model):
    """A part that no file of this test has."""

    name: Name


class Outer(Model):
    """A whole."""

    one: Inner | None = None
    many: dict[str, Inner] = Field(default_factory=dict)
    either: Inner | str | None = None
    other: Unasked | None = None


def test_a_part_is_built_when_it_is_asked_for_and_not_before() -> None:
    Outer.model_validate({"one": {"count": 1}})
    assert Inner.__pydantic_complete__
    assert not Unasked.__pydantic_complete__


def test_a_part_is_a_model_like_any_other() -> None:
    whole = Outer.model_validate({"one": {"count": 1}, "many": {"a": {"count": 2}}, "either": "text"})
    assert whole == Outer(one=Inner(count=1), many={"a": Inner(count=2)}, either="text")
    assert whole.model_dump() == {
        "one": {"count": 1},
        "many": {"a": {"count": 2}},
        "either": "text",
        "other": None,
    }
    assert Outer.model_validate({"one": whole.one}).one is whole.one


def test_what_is_wrong_in_a_part_is_told_at_its_place() -> None:
    with pytest.raises(ValidationError) as refused:
        Outer.model_validate({"one": {"count": 0}, "many": {"a": {"cuont": 1}}})
    assert [(error["loc"], error["type"]) for error in refused.value.errors()] == [
        (("one", "count"), "greater_than_equal"),
        (("many", "a", "count"), "missing"),
        (("many", "a", "cuont"), "extra_forbidden"),
    ]


@pytest.mark.parametrize("model", [RoutesFile, MappingFile, AdapterFile])
def test_a_file_is_no_reason_to_build_its_parts(model: type[BaseModel]) -> None:
    """As long as one part is not asked for, it is not built; else each start would wait for all seven hundred keys."""
    model.model_rebuild(force=True)
    schema = str(model.__pydantic_core_schema__)
    assert schema.count("'type': 'model'") == 1


def test_a_source_that_is_elsewhere_is_the_model_of_its_module() -> None:
    parts = {name: field.annotation for name, field in SourceSettings.model_fields.items()}
    marks = [mark for kind in parts.values() for mark in _marks(kind)]
    assert {mark.model.__name__ for mark in marks} >= {"KafkaSource", "WebhookSource", "SqlSource"}
    kafka = {"servers": "localhost:9092", "topics": ["a"], "group": "g"}
    made = SourceSettings.model_validate({"kafka": kafka})
    assert type(made.kafka).__name__ == "KafkaSource"


def _marks(annotation: object) -> list[Elsewhere]:
    found = [part for part in get_args(annotation) if isinstance(part, Elsewhere)]
    return found + [mark for part in get_args(annotation) for mark in _marks(part)]
