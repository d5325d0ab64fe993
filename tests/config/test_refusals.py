"""A refusal says what fits: each pattern of a model has words of its own, and a bound is told in the unit that was written."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest

from syncflow.config import models
from syncflow.config.file_schemas import KINDS
from syncflow.config.files import Files
from syncflow.config.models.base import Model
from syncflow.config.scalars import SHAPES
from tests.config.test_file_schemas import ROUTES


def patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if schema.get("type") == "str" and "pattern" in schema:
            yield schema["pattern"]
        for part in schema.values():
            yield from patterns(part)
    elif isinstance(schema, list | tuple):
        for part in schema:
            yield from patterns(part)


def every_model() -> set[type[Model]]:
    """Return the models of all files: each is built for itself, so a file's own says nothing of its parts."""
    for module in iter_modules(models.__path__):
        import_module(f"{models.__name__}.{module.name}")
    found: set[type[Model]] = set()
    rest = [Model]
    while rest:
        below = rest.pop().__subclasses__()
        rest += below
        found.update(model for model in below if model.__module__.startswith(models.__name__))
    return found


def test_every_pattern_says_to_a_person_what_fits_it() -> None:
    for model in every_model():
        model.model_rebuild()
    written = {pattern for model in every_model() for pattern in patterns(model.__pydantic_core_schema__)}
    assert written == set(SHAPES)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("nats: {servers: 'nats://h', stream: C.RM}", "a name without spaces, dots, slashes, `*` and `>`"),
        ("postgres: {url: u, tables: {a: a}, slot: My-Slot}", "up to 63 small letters, digits and `_`"),
        ("rabbitmq: {url: u, queue: q, id: sha}", "message_id, correlation_id, or a header such as header:x-id"),
        ("sqs: {queue: q, wait: 2m}", "at most 20s"),
        ("sqs: {queue: q, visibility: 2d}", "at most 12h"),
        ("redis: {url: u, stream: s, claim: 10ms}", "at least 1s"),
        ("sql: {url: u, query: q, every: 0s}", "more than 0s"),
        ("sql: {url: u, query: q, guard: {removed: 200%}}", "at most 100%"),
        ("sql: {url: u, query: q, guard: {removed: 2}}", "at most 1, which is 100%"),
    ],
)
def test_what_is_expected_is_what_would_fit(source: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "routes.yaml"
    path.write_text(ROUTES.replace("{stdin: {}}", f"{{{source}}}"), "utf-8")
    files = Files({}, offline=True)
    files.document(KINDS["routes"], path)
    assert [problem.expected for problem in files.diagnostics] == [expected]
