"""Checks of unreadable values: where a record is refused because a conversion cannot read a value that is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from syncflow.compiler.checks.one_answer import emitted_of
from syncflow.compiler.expressions import Emitted
from syncflow.compiler.expressions.scopes import root_of
from syncflow.compiler.functions import Function
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.languages.base import is_jinja
from syncflow.compiler.mapping.unread import conversions_of
from syncflow.compiler.routing.legs import kind_of_route
from syncflow.compiler.types.json import may_be_null
from syncflow.config.diagnostics import Diagnostic, one_of
from syncflow.config.documents import Document
from syncflow.config.models.mapping import FieldForm, MappingFile, Recipe, expression_path
from syncflow.config.models.schema import ObjectField
from syncflow.config.project import Project


def check_unread_field(
    document: Document[MappingFile],
    name: str,
    emitted: Emitted,
    field: ObjectField,
    functions: Mapping[str, Function],
) -> Iterator[Diagnostic]:
    """Yield a required field, or a key, that may end empty because a conversion cannot read its value."""
    is_key = document.model.keys == (name,)
    if not (is_key or (field.required and not field.read_only)) or not may_be_null(emitted.type):
        return
    met = conversions_of(emitted, functions)
    if met:
        path = expression_path(name, document.model.fields[name])
        yield document.report(
            "SF348",
            f"{'the key' if is_key else 'the required field'} `{name}` may meet a value that {_named(met)} cannot read; "
            "such a record becomes a dead letter",
            *path,
            severity="warning",
            hint="check the value in the schema (`format:`)" if is_key else "add `default:`, or another value after ||",
        )


def check_idle_unreadable(
    document: Document[MappingFile], name: str, form: FieldForm, emitted: Emitted, functions: Mapping[str, Function]
) -> Iterator[Diagnostic]:
    """Yield a field that says what becomes of unreadable values, and has none."""
    if isinstance(form, Recipe) and form.unreadable is not None and not conversions_of(emitted, functions):
        yield document.report(
            "SF518",
            "this changes nothing: no conversion of this field can meet a value that it cannot read",
            *("fields", name, "unreadable"),
            severity="warning",
            at_key=True,
            hint="take it out",
        )


def check_unread_rules(project: Project) -> Iterator[Diagnostic]:
    """Yield rules of routes that may hang on a value which a conversion cannot read."""
    functions = library_of(project)
    for index, route in enumerate(project.routes.model.routes):
        kind = kind_of_route(project, route)
        root = root_of(kind, project.schemas[kind].model, with_deletes=True)
        for word in ("when", "by"):
            text = getattr(route, word)
            emitted = None if text is None or is_jinja(text) else emitted_of(text, root, functions)
            met = [] if emitted is None else conversions_of(emitted, functions)
            if met:
                yield project.routes.report(
                    "SF417",
                    f"this rule may meet a value that {_named(met)} cannot read; a record that no rule takes then becomes a dead letter",
                    "routes",
                    index,
                    word,
                    severity="warning",
                    hint="check the value in the schema (`format:`, `enum:`), or compare it as it is written",
                )


def _named(functions: list[str]) -> str:
    return one_of(["the table" if name == "table" else f"{name}()" for name in functions])
