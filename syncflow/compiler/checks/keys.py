"""Checks of ids and of a mapping's key: is it mapped, does the other side take it as a key, does it follow the record's id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from syncflow.compiler.checks.expressions import leads_nowhere
from syncflow.compiler.checks.places import compiled, object_fields, root_type
from syncflow.compiler.expressions import Emitted, Emitter
from syncflow.compiler.expressions.findings import stretch_of
from syncflow.compiler.expressions.nodes import Call, Or
from syncflow.compiler.expressions.nodes import Constant as ConstantNode
from syncflow.compiler.expressions.parse import parse
from syncflow.compiler.expressions.scopes import root_of
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.languages.base import is_jinja
from syncflow.compiler.types.fitting import may_be_blank
from syncflow.compiler.types.json import MISSING, Integer, Text, is_subtype, longest, may_be_null, union
from syncflow.compiler.types.narrowing import constant, without_null
from syncflow.compiler.types.words import describe
from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
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
from syncflow.config.models.schema import ObjectField
from syncflow.config.project import Project

ID: Final = union(Text(min_length=1), Integer())
"""What identifies a record."""


def check_keys(project: Project) -> Iterator[Diagnostic]:
    """Yield what is wrong with the key of each mapping."""
    for mapping in project.mappings.values():
        missing = [_unmapped(mapping, name) for name in mapping.model.keys if name not in mapping.model.fields]
        if missing:
            yield from missing
            continue
        yield from _own_is_a_field(mapping)
        yield from _one_column(project, mapping)
        yield from _not_permitted(project, mapping)
        yield from heard_at_key(mapping, _not_from_id(project, mapping))
        yield from heard_at_key(mapping, _shared_by_default(project, mapping))
        yield from _cut(project, mapping)


def heard_at_key(mapping: Document[MappingFile], found: Iterator[Diagnostic]) -> Iterator[Diagnostic]:
    """Leave out what a comment in the line of ``key:`` allows: it is said where the key is made, which may be elsewhere."""
    span = mapping.key_span("key")
    allowed = span.text.allowed.get(span.line, frozenset()) if span.text is not None else frozenset()
    yield from (each for each in found if each.is_error or each.code not in allowed)


def check_ids(project: Project) -> Iterator[Diagnostic]:
    """Yield the kinds of record whose id may be none, where no key that is the id itself says so already."""
    for kind, record in project.routes.model.records.items():
        keys = [
            form
            for document in project.mappings.values()
            if document.model.source == kind and len(document.model.key_names) == 1
            for form in document.model.key_forms.values()
        ]
        if record.id in keys or not is_id_known(project, kind):
            continue
        found = (
            Emitter(root_of(kind, project.schemas[kind].model), functions=library_of(project))
            .expression(record.id)
            .type
        )
        if constant(found) is not MISSING:
            yield _same_id(project, kind, at_id="id" in record.model_fields_set)
        if not is_subtype(found, ID):
            yield project.routes.report(
                "SF346",
                f"the id of {kind} may be empty or no id at all; such a record becomes a dead letter",
                "records",
                kind,
                *(["id"] if "id" in record.model_fields_set else []),
                at_key="id" not in record.model_fields_set,
                severity="warning",
                expected="text of at least 1 character, or an integer",
                found=describe(found),
                hint="say `minLength: 1` in the schema, and require the property",
            )


def is_id_known(project: Project, kind: str) -> bool:
    """Return whether the id of a kind is an expression of what its records have; where not, that is what is said of it."""
    expression = compiled(project, project.routes.model.records[kind].id)
    return (
        kind in project.schemas
        and expression is not None
        and not any(leads_nowhere(root_type(project, kind), read) for read in expression.reads)
    )


def check_one_key_is_there(
    document: Document[MappingFile], made: Mapping[str, Emitted], fields: Mapping[str, ObjectField]
) -> Iterator[Diagnostic]:
    """Yield a key that may be nothing: one of several fields, or none of them, and then one that is no field."""
    names = document.model.key_names
    kinds = {name: made[name].type for name in names if name in made}
    if document.model.keys == names[:1] or len(kinds) < len(names):
        return
    trims = {name for name in names if (field := fields.get(name)) is not None and field.trim}
    if any(is_subtype(kind, ID) and not (name in trims and may_be_blank(kind)) for name, kind in kinds.items()):
        return
    one, listed = len(names) == 1, ", ".join(f"`{name}`" for name in names)
    yield document.report(
        "SF346",
        f"{'the key' if one else f'each of the keys {listed}'} may be empty or no key at all; a record "
        f"{'of which it is' if one else 'without any of them'} becomes a dead letter",
        "key",
        *(["value"] if one else []),
        severity="warning",
        expected=f"text of at least 1 character, or an integer{'' if one else ', in one of them'}",
        found="; ".join(dict.fromkeys(describe(kind) for kind in kinds.values())),
        hint="say `minLength: 1` in the schema, and require the property",
    )


def _same_id(project: Project, kind: str, *, at_id: bool) -> Diagnostic:
    """Say that records cannot be told from each other by their ids."""
    return project.routes.report(
        "SF318",
        f"every record of {kind} has the same id, so each overwrites those before it",
        *("records", kind, *(["id"] if at_id else [])),
        at_key=not at_id,
        severity="warning",
        expected="what no two records share",
    )


def _unmapped(mapping: Document[MappingFile], key: str) -> Diagnostic:
    fields = list(mapping.model.fields)
    return mapping.report(
        "SF313",
        f"the key `{key}` is not among the mapping's fields",
        *_place(mapping, key),
        expected=one_of(fields),
        suggestion=did_you_mean(key, fields),
        hint=f"add `{key}: item.id` to the fields",
    )


def _place(mapping: Document[MappingFile], name: str) -> tuple[str | int, ...]:
    """Return where a key is named."""
    key = mapping.model.key
    if isinstance(key, OwnKey):
        return ("key", "name") if "name" in key.model_fields_set else ("key",)
    return ("key",) if isinstance(key, str) else ("key", key.index(name))


def _not_permitted(project: Project, mapping: Document[MappingFile]) -> Iterator[Diagnostic]:
    permitted = permitted_keys(project, mapping)
    if permitted is None:
        return
    adapter, _, name = mapping.model.target.partition("/")
    for key in mapping.model.key_names:
        if key in permitted:
            continue
        unnamed = isinstance(mapping.model.key, OwnKey) and "name" not in mapping.model.key.model_fields_set
        yield mapping.report(
            "SF314",
            f"the key of {mapping.model.target} needs a name there"
            if unnamed
            else f"`{key}` cannot be a key of {mapping.model.target}",
            *_place(mapping, key),
            expected=one_of(permitted) if permitted else "a field marked `unique: true` or `key: true`",
            suggestion=None if unnamed else did_you_mean(key, permitted),
            hint=f"add `name: {permitted[0]}` beside `value`"
            if unnamed and permitted
            else f"if it is unique there, say `unique: true` in objects/{adapter}_{name}.yaml",
        )


def permitted_keys(project: Project, mapping: Document[MappingFile]) -> list[str] | None:
    """Return the fields of a mapping's object that tell its records apart; None where nothing is known of its fields."""
    target = object_fields(project, mapping)
    if target is None:
        return None
    fields, _ = target
    adapter, _, name = mapping.model.target.partition("/")
    described = project.adapters[adapter].model.objects.get(name)
    permitted = list(described.keys) if described is not None else []
    if not permitted and not fields:
        return None  # a table that its owner lays out: any may be the key
    return permitted + [field for field, one in fields.items() if (one.unique or one.key) and field not in permitted]


def _one_column(project: Project, mapping: Document[MappingFile]) -> Iterator[Diagnostic]:
    """Yield a key that is not one column, where the other side is a database."""
    adapter, _, name = mapping.model.target.partition("/")
    if project.adapters[adapter].model.speaks_http or len(mapping.model.keys) == 1:
        return
    yield mapping.report(
        "SF314",
        f"the key of the table {name} is one of its columns",
        "key",
        expected="the name of one column, which is among the fields",
        hint="write the column's name: `key: id`",
    )


def _own_is_a_field(mapping: Document[MappingFile]) -> Iterator[Diagnostic]:
    key = mapping.model.key
    if isinstance(key, OwnKey) and key.name in mapping.model.fields:
        yield mapping.report(
            "SF313",
            f"the key is to be called `{key.name}`, which is a field of the mapping",
            *_place(mapping, key.name),
            expected="a name that no field has",
            hint=f"name the field alone (`key: {key.name}`) if it is the key; else leave the field out",
        )


def _shared_by_default(project: Project, mapping: Document[MappingFile]) -> Iterator[Diagnostic]:
    """Yield a constant that is the key of every record without one: such records overwrite each other."""
    for name, form in mapping.model.key_forms.items():
        shared = _shared(project, mapping, form)
        if shared in (None, ""):
            continue
        path = expression_path(name, form) if mapping.model.keys else ("key", "value")
        if isinstance(form, Recipe):
            path = ("fields", name, *(["default"] if has_default(form) else []))
        yield mapping.report(
            "SF318",
            f"the key `{name}` is `{shared}` for every record that has no other: they share one record there",
            *path,
            severity="warning",
            expected="a key of its own for each record, or null",
            hint="remove the constant: a record without a key becomes a dead letter and overwrites no other",
        )


def _shared(project: Project, mapping: Document[MappingFile], form: FieldForm) -> object:
    """Return the constant that stands for what is missing of a key; None where none does."""
    text = form.source if isinstance(form, Recipe) else "" if isinstance(form, Constant) else form
    if not text or compiled(project, text) is None or mapping.model.source not in project.schemas:
        return None
    if not (isinstance(form, Recipe) and has_default(form)):
        return _last_constant(project, text)
    if form.table is None:
        root = root_of(mapping.model.source, project.schemas[mapping.model.source].model)
        if is_jinja(text) or not may_be_null(Emitter(root, functions=library_of(project)).expression(text).type):
            return None
    return form.default


def _cut(project: Project, mapping: Document[MappingFile]) -> Iterator[Diagnostic]:
    """Yield keys that are cut from what may be longer: two records that begin alike become one."""
    for name, form in mapping.model.key_forms.items():
        text = form.source if isinstance(form, Recipe) else "" if isinstance(form, Constant) else form
        cut = None if not text or is_jinja(text) or compiled(project, text) is None else _cut_from(project, text)
        if cut is None or mapping.model.source not in project.schemas:
            continue
        part, most = cut
        root = root_of(mapping.model.source, project.schemas[mapping.model.source].model)
        whole = longest(without_null(Emitter(root, functions=library_of(project)).expression(part).type))
        if whole is None or whole > most:
            yield mapping.report(
                "SF318",
                f"the key `{name}` is cut after {most} characters: two records that begin alike become one",
                *(expression_path(name, form) if mapping.model.keys else ("key", "value")),
                severity="warning",
                hint=f"say `maxLength: {most}` in the schema, or take a hash, such as sha256({part})",
            )


def _cut_from(project: Project, text: str) -> tuple[str, int] | None:
    """Return what an expression cuts, as it is written, and after how many characters; None for one that cuts nothing. Of a hash a part
    will do."""
    node = parse(text, library_of(project))
    while isinstance(node, Call) and node.name in _OF_ONE_TEXT:
        node = node.arguments[0]
    if not isinstance(node, Call) or node.name != "truncate" or isinstance(node.arguments[0], Call):
        return None
    most = node.arguments[1].value if isinstance(node.arguments[1], ConstantNode) else None
    begin, end = stretch_of(node.arguments[0], text)
    return (text[begin:end], most) if isinstance(most, int) else None


_OF_ONE_TEXT: Final = frozenset({"lower", "upper", "trim"})
"""Functions that leave a key as long as it was."""


def _last_constant(project: Project, text: str) -> str | None:
    """Return the text that an expression falls back on: ``item.email || 'none'``, ``coalesce(item.email, 'none')``."""
    if is_jinja(text):
        return None
    node = parse(text, library_of(project))
    if isinstance(node, Call) and node.name in {"coalesce", "first_filled"} and node.arguments:
        last = node.arguments[-1]
    else:
        last = node.right if isinstance(node, Or) else node
    return last.value if last is not node and isinstance(last, ConstantNode) and isinstance(last.value, str) else None


def _not_from_id(project: Project, mapping: Document[MappingFile]) -> Iterator[Diagnostic]:
    record = project.routes.model.records.get(mapping.model.source)
    identity = None if record is None else compiled(project, record.id)
    if identity is None or not identity.reads or not is_id_known(project, mapping.model.source):
        return
    reads: set[tuple[str | int | None, ...]] = set()
    for form in mapping.model.key_forms.values():
        text = "" if isinstance(form, Constant) else form.source if isinstance(form, Recipe) else form
        expression = compiled(project, text) if text else None
        if text and expression is None:
            return
        reads |= {read.steps for read in expression.reads} if expression is not None else set()
    if identity.reads[-1].steps in reads:
        return
    names = mapping.model.key_names
    one = len(names) == 1
    yield mapping.report(
        "SF318",
        f"the key `{names[0]}` does not come from the record's id"
        if one
        else "none of the keys comes from the record's id",
        *(("fields", names[0]) if mapping.model.keys and one else ("key",)),
        severity="warning",
        expected=f"something made from {identity.text}",
        hint="a key that changes, or that two records share, makes records there collide",
    )
