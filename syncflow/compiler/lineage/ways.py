"""The ways of a project's routes, each to one system: what goes in, what comes out, and which columns become which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from syncflow.compiler.lineage.datasets import Dataset, read_from, written_to
from syncflow.compiler.lineage.fields import MappedField, mapped_fields
from syncflow.compiler.program import Program
from syncflow.compiler.routing.legs import written_routes
from syncflow.compiler.types.declared import from_schema
from syncflow.compiler.types.words import describe
from syncflow.config.models.schema import SchemaNode
from syncflow.config.project import Project

_ITEM = "item."


@dataclass(frozen=True, slots=True)
class Column:
    """A column with its type in words; ``reads``: the columns of the inputs that its value is made of."""

    name: str
    type: str
    reads: tuple[str, ...] = ()
    is_copied: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """One way of a route."""

    route: str
    system: str
    inputs: tuple[Dataset, ...]
    read: tuple[Column, ...]
    output: Dataset
    written: tuple[Column, ...]


def ways_of(project: Project, program: Program) -> list[Way]:
    """Return the ways in the order of the file."""
    return list(_ways(project, program))


def _ways(project: Project, program: Program) -> Iterator[Way]:
    model = project.routes.model
    for route in written_routes(project):
        node = project.schemas[route.kind].model
        for system, name in route.legs.items():
            document, settings = route.mappings[system], model.systems[system]
            target = document.model.target.partition("/")[2]
            output = written_to(settings.adapter, program.systems[system].base_url, target, settings.sql)
            yield Way(
                route=name,
                system=system,
                inputs=tuple(read_from(project, route.kind)),
                read=tuple(_columns(node)),
                output=output,
                written=tuple(map(_column, mapped_fields(project, document))),
            )


def _columns(node: SchemaNode) -> Iterator[Column]:
    """Yield the properties of an item; what is within one is part of it."""
    while node.ref is not None and node.ref != "#":
        found = node.defs.get(node.ref.rpartition("/")[2])
        if found is None:
            return
        node = found.model_copy(update={"defs": node.defs})
    for name, part in node.properties.items():
        whole = part.model_copy(update={"defs": node.defs}) if node.defs and not part.defs else part
        yield Column(name, describe(from_schema(whole)))


def _column(field: MappedField) -> Column:
    made = "" if field.made is None else describe(field.made)
    return Column(field.name, made, tuple(path.removeprefix(_ITEM) for path in field.reads), field.is_copied)
