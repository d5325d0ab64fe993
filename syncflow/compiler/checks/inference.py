"""Checks by types: what inference finds in the expressions of mappings and rules, with the guards of routes applied."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any, TypedDict

from syncflow.compiler.checks.constants import in_curly_quotes
from syncflow.compiler.checks.expressions import leads_nowhere
from syncflow.compiler.checks.fit import check_fit
from syncflow.compiler.checks.keys import check_one_key_is_there
from syncflow.compiler.checks.legs import scope_of_mapping
from syncflow.compiler.checks.one_answer import emitted_of
from syncflow.compiler.checks.one_of import check_one_of
from syncflow.compiler.checks.places import compiled, listed_values, object_fields
from syncflow.compiler.checks.relations import check_is_id
from syncflow.compiler.checks.schemas import check_schemas
from syncflow.compiler.checks.tables import check_table
from syncflow.compiler.checks.unbounded import TOO_LONG, is_unbounded, told_once
from syncflow.compiler.checks.unread import check_idle_unreadable, check_unread_field
from syncflow.compiler.expressions import Emitted, Emitter, Finding
from syncflow.compiler.expressions.findings import words_of
from syncflow.compiler.expressions.scopes import root_of
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.languages.base import ExpressionError, is_jinja
from syncflow.compiler.mapping.transform import aimed_at, emit_field
from syncflow.compiler.routing.legs import kind_of_route
from syncflow.compiler.types.json import NEVER, Type
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.documents import Document
from syncflow.config.models.mapping import (
    Constant,
    FieldForm,
    MappingFile,
    OwnKey,
    Recipe,
    expression_path,
    has_default,
)
from syncflow.config.nodes import dotted
from syncflow.config.project import Project
from syncflow.config.replacements import rewritten_part
from syncflow.patterns import lazy_pattern

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
        for other, after in route.after.items():
            kind = kind_of_route(project, route)
            if not is_jinja(after.id) and project.schemas[kind].name not in broken:
                path = ("routes", index, "after", other, "id")
                yield from _rule(project, path, after.id, roots(kind), fit=partial(check_is_id, project, path, other))


def _root(project: Project, kind: str) -> Type:
    return root_of(kind, project.schemas[kind].model, with_deletes=True)


def _rule(
    project: Project,
    path: _Path,
    text: str,
    root: Type,
    *,
    fit: Callable[[Type], Iterator[Diagnostic]] = lambda _: iter(()),
) -> Iterator[Diagnostic]:
    """Yield what types say of a rule; ``fit`` says what of its own type, where nothing else is wrong with it."""
    emitted = _emitted(project, text, root, partial(emitted_of, text, root, library_of(project)))
    if emitted is None:
        return
    found = [diagnostic_of(project.routes, path, finding) for finding in emitted.findings]
    yield from found
    if not _is_explained(text, found):
        yield from fit(emitted.type)


def _mapping(project: Project, document: Document[MappingFile], scope: Type) -> Iterator[Diagnostic]:
    if scope == NEVER:
        return  # no event gets there, which the checks of routes say
    target = object_fields(project, document)
    fields = {} if target is None else target[0]
    emitter = partial(Emitter, scope, functions=library_of(project))
    words = _words_of(project, document)
    made: dict[str, Emitted] = {}
    unbounded: dict[str, list[Diagnostic]] = {}
    for name, form in document.model.fields.items():
        text = "" if isinstance(form, Constant) else form.source if isinstance(form, Recipe) else form
        if not text or in_curly_quotes(text):
            continue  # a constant, and text in quotes that YAML does not know, have checks of their own
        emitted = _emitted(project, text, scope, partial(emit_field, emitter(), name, form))
        if emitted is None:
            continue
        made[name] = emitted
        yield from _idle_default(document, name, form)
        yield from check_idle_unreadable(document, name, form, emitted, library_of(project))
        yield from _path_in_quotes(project, document, path_of(name, form), text, scope)
        found = [diagnostic_of(document, path_of(name, form), finding) for finding in _first_of_each(emitted.findings)]
        yield from found
        if isinstance(form, Recipe) and listed_values(project, document.model.source, form.source) is None:
            yield from check_table(document, name, form, emitter().expression(form.source).type)
        if name in fields and not _is_explained(text, found):
            misfits = list(check_fit(document, name, emitted, aimed_at(fields[name], form), **words))
            if is_unbounded(emitted.type):
                unbounded[name] = [misfit for misfit in misfits if misfit.code == TOO_LONG]
            yield from (misfit for misfit in misfits if misfit not in unbounded.get(name, ()))
            yield from check_unread_field(document, name, emitted, fields[name], library_of(project))
    yield from _own_key(project, document, scope, made)
    yield from check_one_key_is_there(document, made, fields)
    lengths = {name: aimed_at(fields[name], document.model.fields[name]).length for name in unbounded}
    yield from told_once(document, {name: told for name, told in unbounded.items() if told}, lengths)
    yield from check_one_of(project, document, made, partial=words["partial"])


def _own_key(
    project: Project, document: Document[MappingFile], scope: Type, made: dict[str, Emitted]
) -> Iterator[Diagnostic]:
    """Yield what the types say of a key that is no field, and put it beside what is made of fields."""
    if not isinstance(document.model.key, OwnKey):
        return
    text, emitter = document.model.key.value, Emitter(scope, functions=library_of(project))
    emitted = _emitted(project, text, scope, partial(emitter.expression, text))
    if emitted is not None:
        made[document.model.key.name] = emitted
        yield from (diagnostic_of(document, ("key", "value"), finding) for finding in _first_of_each(emitted.findings))


def _first_of_each(findings: Sequence[Finding]) -> list[Finding]:
    """Leave out what is said of the same value a second time, further on in the same template."""
    firsts: dict[tuple[str, str, str], Finding] = {}
    unknown = [finding for finding in findings if finding.code == UNKNOWN]
    for finding in unknown or findings:  # what an unknown name may be cannot be told
        is_repeated = finding.code in _SAID_ONCE and (finding.code, finding.message, finding.hint) in firsts
        if not is_repeated:
            place = "" if finding.code in _SAID_ONCE else str(finding.offset)
            firsts.setdefault((finding.code, finding.message, finding.hint + place), finding)
    return list(firsts.values())


UNKNOWN = "SF304"
ALWAYS_NULL = "SF328"
_SAID_ONCE = frozenset({"SF330", "SF331", "SF332", "SF335"})
"""Findings of a value that is inserted: what mends the first one is what the others need."""


def _is_explained(text: str, found: Sequence[Diagnostic]) -> bool:
    """Whether what a value may be is the consequence of what has been found in its expression."""
    return any(diagnostic.is_error or diagnostic.code in {UNKNOWN, ALWAYS_NULL} for diagnostic in found) or (
        is_jinja(text) and bool(found)
    )


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


_QUOTED = lazy_pattern(r"""(?:'([^'`]*)'|`"?([^"'`]*)"?`)""")


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
    identity: frozenset[tuple[str | int | None, ...]]


def _words_of(project: Project, document: Document[MappingFile]) -> _Words:
    adapter = project.adapters[document.model.target.partition("/")[0]]
    record = project.routes.model.records[document.model.source]
    identity = compiled(project, record.id)
    return {
        "as_text": adapter.model.values == "text",
        "partial": record.items == "partial",
        "identity": frozenset(read.steps for read in identity.reads) if identity is not None else frozenset(),
    }


def path_of(name: str, form: FieldForm) -> _Path:
    """Return where the expression of a field stands."""
    return expression_path(name, form)


def _emitted(project: Project, text: str, scope: Type, emit: Callable[[], Emitted | None]) -> Emitted | None:
    """Return what is emitted; None where the expression is wrong or reads what is not known, which another check says."""
    expression = compiled(project, text)
    if expression is None or any(leads_nowhere(scope, read) for read in expression.reads):
        return None
    try:
        return emit()
    except ExpressionError:
        return None


def diagnostic_of(document: Document[Any], path: _Path, finding: Finding) -> Diagnostic:
    """Return what a finding says about the expression at a place, with what to write instead."""
    whole = document.span(*path)
    text = whole.scalar.value if whole.scalar is not None else ""
    instead = words_of(finding, text) or (finding.offset, finding.offset + finding.length, finding.suggestion)
    start, end, words = instead
    return Diagnostic(
        finding.code,
        whole.at(finding.offset, finding.length),
        finding.message,
        severity=finding.severity,
        expected=finding.expected,
        found=finding.found,
        suggestion=finding.suggestion,
        hint=finding.hint.replace("{instead}", words),
        path=dotted(path),
        replaced=rewritten_part(whole, start, end - start, words) if words else None,
    )
