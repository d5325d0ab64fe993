"""Checks of a project's own functions: can they be loaded and called, and does a default stand by where one may fail."""

from __future__ import annotations

from collections.abc import Iterator

from syncflow.compiler.checks.places import Place, compiled, expressions_of
from syncflow.compiler.functions.own import library_of, own_functions
from syncflow.compiler.languages.base import is_jinja
from syncflow.compiler.single_expressions import has_fallback
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.models.mapping import MappingFile
from syncflow.config.nodes import dotted
from syncflow.config.project import Project


def check_own_functions(project: Project) -> Iterator[Diagnostic]:
    """Yield what is wrong with the functions, and where one that may fail is called without a default."""
    yield from own_functions(project).problems
    library = library_of(project)
    if library.forgiving is library:
        return
    for place in expressions_of(project):
        expression = compiled(project, place.text) if place.is_inner and not _has_fallback(place) else None
        for call in expression.calls if expression is not None else ():
            if call.name in library and library[call.name].may_fail:
                yield _may_fail(place, call.name, call.offset)


def _has_fallback(place: Place) -> bool:
    model = place.document.model
    return (
        isinstance(model, MappingFile) and place.path[0] == "fields" and has_fallback(model.fields[str(place.path[1])])
    )


def _may_fail(place: Place, name: str, offset: int) -> Diagnostic:
    said = "declare it total: `@function(total=True)`"
    hint = f"if it never fails, {said}" if place.use == "rule" else f"write {{from: …, default: …}}, or {said}"
    if is_jinja(place.text):
        hint = f"no default helps a template: write it in JMESPath with one, or {said}"
    return Diagnostic(
        code="SF352",
        span=place.document.span(*place.path).at(offset, len(name)),
        message=f"{name}() may fail, and the record would be a dead letter",
        severity="warning",
        hint=hint,
        path=dotted(place.path),
    )
