"""Properties that a schema describes wrongly: what tables and rules then never meet is a consequence, and is not said again.

A person who mends the schema has mended all of it, so there is one message for each cause.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from syncflow.compiler.checks.places import plain_path
from syncflow.compiler.checks.schemas import broken_properties
from syncflow.config.diagnostics import did_you_mean
from syncflow.config.models.schema import SchemaNode
from syncflow.config.project import Project


@dataclass(frozen=True)
class Causes:
    """What is wrong in the schemas of a project, by kind of record."""

    project: Project
    broken: dict[str, frozenset[tuple[str, ...]]]
    """The paths of properties that have a message of their own in the schema."""

    def explain(self, kind: str, expression: str) -> bool:
        """Return whether what is said of the values of an expression follows from what is said of its property."""
        path = plain_path(self.project, expression)
        return path is not None and path[1:] in self.broken.get(kind, frozenset())

    def explain_null(self, kind: str, expression: str) -> bool:
        """Return whether a property may be absent because the list of required ones misspells it."""
        path, schema = plain_path(self.project, expression), self.project.schemas[kind].model
        return path is not None and len(path) == 2 and path[1] in _meant(schema)


def causes_in(project: Project) -> Causes:
    """Return what is wrong in the schemas of a project."""
    return Causes(project, {kind: broken_properties(document) for kind, document in project.schemas.items()})


def meant_by(written: Iterable[str], known: Iterable[str]) -> frozenset[str]:
    """Return those of the known names that stand misspelt among what is written: they are spoken of there."""
    names = sorted(known)
    close = (did_you_mean(name, names) for name in written if name not in names)
    return frozenset(name for name in close if name)


def _meant(schema: SchemaNode) -> frozenset[str]:
    return meant_by(schema.required, schema.properties)
