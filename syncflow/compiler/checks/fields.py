"""Checks of a mapping against its object: do the fields exist, may they be written, is none missing, do constants fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC

from syncflow.compiler.checks.constants import is_meant_as_expression
from syncflow.compiler.checks.places import object_fields
from syncflow.compiler.mapping.payloads import compile_payload_check
from syncflow.compiler.types.json import ANY
from syncflow.compiler.values import Fault
from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.documents import Document
from syncflow.config.models.mapping import Constant, MappingFile, Recipe, Relation
from syncflow.config.models.schema import ObjectField
from syncflow.config.project import Project
from syncflow.events import Json

_Mapping = Document[MappingFile]
_Fields = Mapping[str, ObjectField]


def check_fields(project: Project) -> Iterator[Diagnostic]:
    """Yield what is wrong with the fields of each mapping."""
    for mapping in project.mappings.values():
        target = object_fields(project, mapping)
        if target is not None:
            fields, is_open = target
            yield from () if is_open else _unknown(mapping, fields)
            yield from _read_only(mapping, fields)
            yield from _missing(mapping, fields)
            yield from _relations(mapping, fields)
            yield from _constants(project, mapping, fields)


def _as_text(project: Project, mapping: _Mapping) -> bool:
    return project.adapters[mapping.model.target.partition("/")[0]].model.values == "text"


def _unknown(mapping: _Mapping, fields: _Fields) -> Iterator[Diagnostic]:
    target = mapping.model.target
    for name in mapping.model.fields:
        if name not in fields:
            close = did_you_mean(name, fields)
            yield mapping.report(
                "SF310",
                f"{target} has no field `{name}`",
                "fields",
                name,
                at_key=True,
                expected="" if close else one_of([entry for entry in fields if not fields[entry].read_only]),
                suggestion=close,
                hint=f"a field of your own is described in objects/{target.replace('/', '_')}.yaml",
            )


def _read_only(mapping: _Mapping, fields: _Fields) -> Iterator[Diagnostic]:
    for name in mapping.model.fields:
        if name in fields and fields[name].read_only:
            message = f"`{name}` is set by the other side and cannot be written"
            yield mapping.report("SF311", message, "fields", name, at_key=True, hint="take it out of the mapping")


def _relations(mapping: _Mapping, fields: _Fields) -> Iterator[Diagnostic]:
    for name, form in mapping.model.fields.items():
        if not isinstance(form, Relation) or name not in fields or fields[name].type == "json":
            continue
        if fields[name].type != "relation":
            yield mapping.report(
                "SF207",
                f"`{name}` is no relation, so it is not named by `{form.by}`",
                *("fields", name),
                expected="an expression, {value: …} for a constant, or {from: …, table: …, default: …}",
                hint=f"write {form.source}, or say `type: relation` in the object file",
            )
        elif form.by not in (fields[name].by or {}):
            known = list(fields[name].by or {})
            yield mapping.report(
                "SF310",
                f"the record of `{name}` is not named by `{form.by}`",
                *("fields", name, form.by),
                at_key=True,
                expected=one_of(known),
                suggestion=did_you_mean(form.by, known),
                hint=f"the fields that name it stand under `by:` of `{name}` in the object file",
            )


def _missing(mapping: _Mapping, fields: _Fields) -> Iterator[Diagnostic]:
    for name, field in fields.items():
        if field.required and not field.read_only and name not in mapping.model.fields:
            message = f"{mapping.model.target} requires `{name}`, and the mapping does not give it"
            close = did_you_mean(name, [given for given in mapping.model.fields if given not in fields])
            hint = f"add `{name}:` to the fields" + (f", or rename `{close}`" if close else "")
            yield mapping.report("SF312", message, "fields", at_key=True, hint=hint)


def _constants(project: Project, mapping: _Mapping, fields: _Fields) -> Iterator[Diagnostic]:
    """Check each value that is written in the mapping as it would be checked when sent."""
    as_text = _as_text(project, mapping)
    for name, form in mapping.model.fields.items():
        if name not in fields or fields[name].options == ():
            continue  # an object file that lists no options is told of there
        for path, value in _written(name, form):
            if isinstance(value, str) and is_meant_as_expression(project, mapping.model.source, value):
                continue  # which another check says
            words = _misfit(name, fields[name], value, as_text=as_text)
            if words:
                yield mapping.report("SF317", f"this does not fit the field `{name}`: it {words}", *path)


def _written(name: str, form: str | Constant | Recipe) -> Iterator[tuple[tuple[str, ...], Json]]:
    if isinstance(form, Constant):
        yield ("fields", name, "value"), form.value
    elif isinstance(form, Recipe):
        for key, value in (form.table or {}).items():
            yield ("fields", name, "table", key), value
        if "default" in form.model_fields_set:
            yield ("fields", name, "default"), form.default


def _misfit(name: str, field: ObjectField, value: Json, *, as_text: bool) -> str:
    if value is None:
        return "is null, and a value is required" if field.required else ""
    if field.required and field.trim and isinstance(value, str) and not value.strip():
        return "is blank, which is nothing there, and a value is required"
    optional = field.model_copy(update={"required": False})
    check = compile_payload_check({name: optional}, {name: ANY}, zone=UTC, as_text=as_text)
    if check is None:
        return ""
    try:
        check({name: value}, "create")
    except Fault as fault:
        if fault.code == "options" and field.options:
            return f"is not {one_of(field.options)}"
        return fault.reason.removeprefix(f"{name}: ").replace("expected", "should be", 1)
    return ""
