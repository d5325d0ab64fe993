"""The fields of a mapping with what each reads and makes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from syncflow.compiler.checks.legs import scope_of_mapping
from syncflow.compiler.checks.places import object_fields
from syncflow.compiler.door.unchanged import longest
from syncflow.compiler.expressions import Emitted, Emitter
from syncflow.compiler.expressions.scopes import root_of
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.languages.base import ExpressionError
from syncflow.compiler.mapping.transform import emit_field
from syncflow.compiler.types.json import Type
from syncflow.config.documents import Document
from syncflow.config.models.mapping import Constant, FieldForm, MappingFile
from syncflow.config.models.schema import ObjectField
from syncflow.config.project import Project


@dataclass(frozen=True, slots=True)
class MappedField:
    """``paths``: what it reads, each once; ``made``: of which type its value is, None where it is written down."""

    name: str
    form: FieldForm
    paths: tuple[tuple[str, ...], ...]
    made: Type | None
    target: ObjectField | None

    @property
    def reads(self) -> tuple[str, ...]:
        """What it reads, as it is written: ``item.address.city``."""
        return tuple(".".join(path) for path in self.paths)

    @property
    def is_copied(self) -> bool:
        """Whether its value is that of one path, as it is."""
        return isinstance(self.form, str) and self.reads == (self.form,)


def mapped_fields(project: Project, document: Document[MappingFile]) -> Iterator[MappedField]:
    """Yield the fields in the order of the file; of an expression that cannot be compiled nothing is known."""
    model = document.model
    node = project.schemas[model.source].model
    scope = scope_of_mapping(project, document, root_of(model.source, node, with_deletes=True))
    known = object_fields(project, document)
    targets = {} if known is None else known[0]
    emitter = Emitter(scope, functions=library_of(project))
    for name, form in model.fields.items():
        emitted = _emitted(emitter, name, form)
        paths = [] if emitted is None else [_named(steps) for steps in longest(read.steps for read in emitted.reads)]
        reads = tuple(dict.fromkeys(path for path in paths if path))
        yield MappedField(name, form, reads, None if emitted is None else emitted.type, targets.get(name))


def _emitted(emitter: Emitter, name: str, form: FieldForm) -> Emitted | None:
    if isinstance(form, Constant):
        return None
    try:
        return emit_field(emitter, name, form)
    except ExpressionError:
        return None


def _named(steps: Iterable[str | int | None]) -> tuple[str, ...]:
    return tuple(step for step in steps if isinstance(step, str))
