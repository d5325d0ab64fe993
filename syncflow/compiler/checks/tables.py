"""Checks of the tables in mappings against the values that their source can have."""

from __future__ import annotations

from collections.abc import Iterator

from syncflow.compiler.checks.causes import causes_in, meant_by
from syncflow.compiler.checks.legs import scope_of_mapping
from syncflow.compiler.checks.places import at_path, is_only_cased, listed_values, may_be_written, plain_path, texts_of
from syncflow.compiler.expressions import Emitter
from syncflow.compiler.expressions.scopes import root_of
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.types.json import Type, may_be_null
from syncflow.compiler.types.narrowing import in_another_case
from syncflow.compiler.types.words import describe
from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.documents import Document
from syncflow.config.models.mapping import MappingFile, Recipe
from syncflow.config.project import Project


def check_tables(project: Project) -> Iterator[Diagnostic]:
    """Yield entries that no value reaches, and values that no entry takes."""
    causes = causes_in(project)
    for mapping in project.mappings.values():
        for name, form in mapping.model.fields.items():
            values = None
            if isinstance(form, Recipe) and form.table is not None:
                values = listed_values(project, mapping.model.source, form.source)
            if (
                isinstance(form, Recipe)
                and values is not None
                and not causes.explain(mapping.model.source, form.source)
            ):
                yield from _never(mapping, name, form, values)
                yield from _uncovered(project, mapping, name, form, values)


def _never(mapping: Document[MappingFile], name: str, recipe: Recipe, values: frozenset[str]) -> Iterator[Diagnostic]:
    for key in recipe.table or {}:
        if key not in values:
            yield mapping.report(
                "SF315",
                f"{recipe.source} is never `{key}`",
                "fields",
                name,
                "table",
                key,
                at_key=True,
                expected=one_of(sorted(values)),
                suggestion=did_you_mean(key, sorted(values)),
            )


def _uncovered(
    project: Project, mapping: Document[MappingFile], name: str, recipe: Recipe, values: frozenset[str]
) -> Iterator[Diagnostic]:
    if "default" in recipe.model_fields_set:
        return
    reaching = values & _reaching(project, mapping, recipe.source, values)
    missing = sorted(reaching - set(recipe.table or {}) - meant_by(recipe.table or {}, values))
    if missing:
        yield mapping.report(
            "SF316",
            f"the table says nothing of {', '.join(missing)}",
            "fields",
            name,
            "table",
            at_key=True,
            severity="warning",
            hint=f"add {'it' if len(missing) == 1 else 'them'}, or a `default:`; such a record becomes a dead letter",
        )


def _reaching(project: Project, mapping: Document[MappingFile], source: str, values: frozenset[str]) -> frozenset[str]:
    """Return the values that the rules and tables of routes let through to a mapping."""
    names = plain_path(project, source)
    root = root_of(mapping.model.source, project.schemas[mapping.model.source].model)
    found = None if names is None else at_path(scope_of_mapping(project, mapping, root), names)
    return values if found is None else texts_of(found) or values


def check_table(document: Document[MappingFile], name: str, recipe: Recipe, kind: Type) -> Iterator[Diagnostic]:
    """Yield that a table without default may lack the value of an expression; plain paths to an enum have a check of their own."""
    if recipe.table is None:
        return
    yield from _never_written(document, name, recipe, kind)
    if "default" in recipe.model_fields_set:
        return
    listed = texts_of(kind)
    missing = None if listed is None else sorted(listed - set(recipe.table) - meant_by(recipe.table, listed))
    if missing == []:
        return
    words = "may lack the value" if missing is None else f"says nothing of {', '.join(missing)}"
    yield document.report(
        "SF316",
        f"the table {words}",
        "fields",
        name,
        "table",
        at_key=True,
        severity="warning",
        found=describe(kind),
        hint="add a `default:`; without one such a record becomes a dead letter",
    )


def _never_written(document: Document[MappingFile], name: str, recipe: Recipe, kind: Type) -> Iterator[Diagnostic]:
    listed = sorted(texts_of(kind) or ())
    for key in recipe.table or {}:
        if not may_be_written(kind, key):
            yield document.report(
                "SF315",
                f"{recipe.source} is never `{key}`",
                "fields",
                name,
                "table",
                key,
                at_key=True,
                expected=one_of(listed) if listed else describe(kind),
                suggestion=did_you_mean(key, listed) if listed else in_another_case(key, kind),
                severity="warning" if is_only_cased(kind) else "error",
            )


def may_need_default(project: Project, mapping: Document[MappingFile], recipe: Recipe) -> bool:
    """Return whether a record that fits its schema may need the default of a field, in a project that validates."""
    root = root_of(mapping.model.source, project.schemas[mapping.model.source].model)
    kind = Emitter(root, functions=library_of(project).forgiving).expression(recipe.source).type
    texts = None if recipe.table is None else texts_of(kind)
    covered = texts is not None and texts <= set(recipe.table or ())
    return may_be_null(kind) or (recipe.table is not None and not covered)
