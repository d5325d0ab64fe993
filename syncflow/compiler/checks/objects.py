"""Checks of object files: limits that nothing meets, words that mean nothing for a type, keys that are no fields, another object's name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.documents import Document
from syncflow.config.models.schema import ObjectField, ObjectFile
from syncflow.config.project import Project
from syncflow.config.replacements import rewritten

_NUMBERS = frozenset({"integer", "number", "decimal"})
_OPTIONS = frozenset({"option", "options"})
_SIZED = frozenset({"text", "email", "phone", "url", "option", "options", "reference"})
_WORDS: Mapping[str, frozenset[str]] = {
    "options": _OPTIONS,
    "separator": frozenset({"options"}),
    "by": frozenset({"relation"}),
    "cleared_by": frozenset({"relation"}),
    "minimum": _NUMBERS,
    "maximum": _NUMBERS,
    "length": _SIZED,
}
"""A word of a field → the types for which it says something."""


def check_objects(project: Project) -> Iterator[Diagnostic]:
    """Yield what is wrong in the object files that mappings use, and in an adapter's keys."""
    for (adapter, name), merged in project.objects.items():
        for document in merged.documents:
            yield from _name(document, name)
            for field, entry in document.model.fields.items():
                yield from _words(document, field, entry)
                yield from _bounds(document, field, entry)
                yield from _rights(document, field, entry)
        yield from _keys(project, adapter, name, merged.model)


def _name(document: Document[ObjectFile], name: str) -> Iterator[Diagnostic]:
    if document.model.object != name:
        yield document.report(
            "SF602",
            f"this file describes `{document.model.object}`, and is used for `{name}`",
            "object",
            severity="warning",
            hint=f"write `object: {name}`",
            replaced=rewritten(document.span("object"), name),
        )


def _words(document: Document[ObjectFile], field: str, entry: ObjectField) -> Iterator[Diagnostic]:
    for word, types in _WORDS.items():
        if getattr(entry, word) is not None and entry.type not in types and entry.type != "json":
            meant = "option" if word == "options" else None
            yield document.report(
                "SF603",
                f"`{word}` says nothing of a field of the type {entry.type}",
                *("fields", field, word),
                at_key=True,
                severity="warning",
                expected="a type of text" if types is _SIZED else f"the type {' or '.join(sorted(types))}",
                hint="say `type: option` beside it, so that other values are refused"
                if meant
                else "take it out, or correct the type",
            )


def _bounds(document: Document[ObjectFile], field: str, entry: ObjectField) -> Iterator[Diagnostic]:
    if entry.type == "relation" and not entry.by:
        hint = "add `by: {Number__c: {length: 20}}`, with the fields that identify the other record"
        yield document.report(
            "SF604", f"`{field}` names no record, for it says nothing of `by`", "fields", field, hint=hint
        )
    if entry.length is not None and entry.length < 1:
        yield document.report(
            "SF604",
            f"no text has at most {entry.length} characters, and is there",
            *("fields", field, "length"),
            expected="a whole number from 1",
        )
    if entry.minimum is not None and entry.maximum is not None and entry.minimum > entry.maximum:
        yield document.report(
            "SF604",
            f"the minimum of `{field}` is above its maximum, so no value fits",
            *("fields", field, "minimum"),
            found=f"{entry.minimum:g} to {entry.maximum:g}",
            hint="exchange the two",
        )
    if entry.options is not None:
        yield from _listed(document, field, entry)


def _listed(document: Document[ObjectFile], field: str, entry: ObjectField) -> Iterator[Diagnostic]:
    options = entry.options or ()
    if not options:
        hint = "name the options, or take `options` out, so that any value is taken"
        yield document.report(
            "SF604", f"`{field}` has no options, so no value fits", "fields", field, "options", hint=hint
        )
    for place, option in enumerate(options):
        if option in options[:place]:
            yield document.report(
                "SF604", f"the option {option} is listed twice", "fields", field, "options", place, severity="warning"
            )
        elif entry.separator is not None and entry.separator in option:
            yield document.report(
                "SF604",
                f"the option {option} has {entry.separator} in it, which stands between options",
                *("fields", field, "options", place),
            )
        elif entry.length is not None and len(option) > entry.length:
            yield document.report(
                "SF604",
                f"the option {option} is longer than the field: {entry.length} characters",
                *("fields", field, "options", place),
                severity="warning",
            )


def _rights(document: Document[ObjectFile], field: str, entry: ObjectField) -> Iterator[Diagnostic]:
    if entry.read_only:
        for word in ("required", "create_only"):
            if getattr(entry, word) and word in entry.model_fields_set and "read_only" in entry.model_fields_set:
                yield document.report(
                    "SF603",
                    f"`{word}` says nothing of a field that is read_only",
                    *("fields", field, word),
                    at_key=True,
                    severity="warning",
                    hint="take one of the two out",
                )


def _keys(project: Project, adapter: str, name: str, merged: ObjectFile) -> Iterator[Diagnostic]:
    document = project.adapters[adapter]
    described = document.model.objects.get(name)
    if described is None or merged.open or described.fields is None:
        return
    for place, key in enumerate(described.keys):
        if key not in merged.fields:
            close = did_you_mean(key, merged.fields)
            yield document.report(
                "SF605",
                f"`{name}` has no field `{key}` that could be a key",
                *("objects", name, "keys", place),
                severity="warning",
                expected="" if close else one_of(list(merged.fields)),
                suggestion=close,
            )
