"""Checks by types: what inference finds in the expressions of mappings and rules, with the guards of routes applied."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, TypedDict

from syncflow.compiler.checks.expressions import leads_nowhere
from syncflow.compiler.checks.fit import check_fit
from syncflow.compiler.checks.legs import scope_of_mapping
from syncflow.compiler.checks.places import compiled, listed_values, object_fields
from syncflow.compiler.checks.schemas import check_schemas
from syncflow.compiler.checks.tables import check_table
from syncflow.compiler.checks.unread import check_unread_field
from syncflow.compiler.code import Emitted, Emitter, Finding
from syncflow.compiler.code.scopes import root_of
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.languages.base import ExpressionError, is_jinja
from syncflow.compiler.mapping.transform import emit_field
from syncflow.compiler.routing.legs import kind_of_route
from syncflow.compiler.types.json import NEVER, Type
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.documents import Document
from syncflow.config.models.mapping import Constant, FieldForm, MappingFile, Recipe, has_default
from syncflow.config.nodes import dotted
from syncflow.config.project import Project

_Path = tuple[str | int, ...]


def check_inference(project: Project) -> Iterator[Diagnostic]:
    """Yield what the types of a project's records and objects say of its mappings and rules."""
    roots = cache(lambda kind: _root(project, kind))
    broken = {problem.span.file for problem in check_schemas(project) if problem.is_error}
    for document in project.mappings.values():
        if project.schemas[document.model.source].name in broken:
            continue
        yield from _mapping(project, document, scope_of_mapping(project, document, roots(document.model.source)))
    for index, route in enumerate(project.routes.model.routes):
        for name, text in (("when", route.when), ("by", route.by)):
            kind = kind_of_route(project, route)
            if text is not None and not is_jinja(text) and project.schemas[kind].name not in broken:
                yield from _rule(project, ("routes", index, name), text, roots(kind))


def _root(project: Project, kind: str) -> Type:
    return root_of(kind, project.schemas[kind].model, with_deletes=True)


def _rule(project: Project, path: _Path, text: str, root: Type) -> Iterator[Diagnostic]:
    emitted = _emitted(project, text, root, partial(Emitter(root, functions=library_of(project)).expression, text))
    for finding in () if emitted is None else emitted.findings:
        yield _diagnostic(project.routes, path, finding)


def _mapping(project: Project, document: Document[MappingFile], scope: Type) -> Iterator[Diagnostic]:
    if scope == NEVER:
        return  # no event gets there, which the checks of routes say
    target = object_fields(project, document)
    fields = {} if target is None else target[0]
    emitter = partial(Emitter, scope, functions=library_of(project))
    words = _words_of(project, document)
    for name, form in document.model.fields.items():
        text = "" if isinstance(form, Constant) else form.source if isinstance(form, Recipe) else form
        emitted = _emitted(project, text, scope, partial(emit_field, emitter(), name, form)) if text else None
        if emitted is None:
            continue
        yield from _idle_default(document, name, form)
        yield from _path_in_quotes(project, document, path_of(name, form), text, scope)
        found = [_diagnostic(document, path_of(name, form), finding) for finding in dict.fromkeys(emitted.findings)]
        yield from found
        if isinstance(form, Recipe) and listed_values(project, document.model.source, form.source) is None:
            yield from check_table(document, name, form, emitter().expression(form.source).type)
        if name in fields and not any(diagnostic.is_error for diagnostic in found):
            yield from check_fit(document, name, emitted, fields[name], **words)
            yield from check_unread_field(document, name, emitted, fields[name], library_of(project))


def _idle_default(document: Document[MappingFile], name: str, form: FieldForm) -> Iterator[Diagnostic]:
    """Find a default behind a template, which is never null."""
    if isinstance(form, Recipe) and form.table is None and has_default(form) and is_jinja(form.source):
        yield document.report(
            "SF336",
            "this default is never taken: a template always makes text",
            "fields",
            name,
            "default",
            at_key=True,
            severity="warning",
            hint="give it to what is inserted: {{ … | default('…') }}",
        )


_QUOTED = re.compile(r"""(?:'([^'`]*)'|`"?([^"'`]*)"?`)""")


def _path_in_quotes(
    project: Project, document: Document[Any], path: _Path, text: str, scope: Type
) -> Iterator[Diagnostic]:
    """Find text in quotes of JMESPath that is a path of the record: then the path was meant, and not its letters."""
    quoted = _QUOTED.fullmatch(text.strip())
    inner = "" if quoted is None else quoted[1] or quoted[2] or ""
    expression = compiled(project, inner) if re.fullmatch(r"item(\.\w+)+", inner) else None
    if expression is not None and not any(leads_nowhere(scope, read) for read in expression.reads):
        yield document.report(
            "SF325",
            f"every record gets the text {inner}, not what stands there",
            *path,
            severity="warning",
            hint=f"write {inner} without the inner quotes; if the text is meant, {{value: {inner}}}",
        )


class _Words(TypedDict):
    as_text: bool
    partial: bool


def _words_of(project: Project, document: Document[MappingFile]) -> _Words:
    adapter = project.adapters[document.model.target.partition("/")[0]]
    record = project.routes.model.records[document.model.source]
    return {"as_text": adapter.model.values == "text", "partial": record.items == "partial"}


def path_of(name: str, form: FieldForm) -> _Path:
    """Return where the expression of a field stands."""
    return ("fields", name, "from") if isinstance(form, Recipe) else ("fields", name)


def _emitted(project: Project, text: str, scope: Type, emit: Callable[[], Emitted]) -> Emitted | None:
    """Return what is emitted; None where the expression is wrong or reads what nobody knows, which another check says."""
    expression = compiled(project, text)
    if expression is None or any(leads_nowhere(scope, read) for read in expression.reads):
        return None
    try:
        return emit()
    except ExpressionError:
        return None


def _diagnostic(document: Document[Any], path: _Path, finding: Finding) -> Diagnostic:
    return Diagnostic(
        finding.code,
        document.span(*path).at(finding.offset, finding.length),
        finding.message,
        severity=finding.severity,
        expected=finding.expected,
        found=finding.found,
        suggestion=finding.suggestion,
        hint=finding.hint,
        path=dotted(path),
    )
