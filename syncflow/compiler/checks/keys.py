"""Checks of ids and of a mapping's key: is it mapped, does the other side take it as a key, does it follow the record's id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from syncflow.compiler.checks.places import compiled, object_fields
from syncflow.compiler.code import Emitter
from syncflow.compiler.code.nodes import Call, Or
from syncflow.compiler.code.nodes import Constant as ConstantNode
from syncflow.compiler.code.parse import parse
from syncflow.compiler.code.scopes import root_of
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.languages.base import is_jinja
from syncflow.compiler.types.json import Integer, Text, is_subtype, may_be_null, union
from syncflow.compiler.types.words import describe
from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.documents import Document
from syncflow.config.models.mapping import Constant, MappingFile, Recipe, has_default
from syncflow.config.project import Project

ID: Final = union(Text(min_length=1), Integer())
"""What identifies a record."""


def check_keys(project: Project) -> Iterator[Diagnostic]:
    """Yield what is wrong with the key of each mapping."""
    for mapping in project.mappings.values():
        if mapping.model.key not in mapping.model.fields:
            yield _unmapped(mapping)
            continue
        yield from _not_permitted(project, mapping)
        yield from _not_from_id(project, mapping)
        yield from _shared_by_default(project, mapping)


def check_ids(project: Project) -> Iterator[Diagnostic]:
    """Yield the kinds of record whose id may be none, where no key that is the id itself says so already."""
    for kind, record in project.routes.model.records.items():
        keys = [
            document.model.fields.get(document.model.key)
            for document in project.mappings.values()
            if document.model.source == kind
        ]
        if record.id in keys or compiled(project, record.id) is None or kind not in project.schemas:
            continue
        found = Emitter(root_of(kind, project.schemas[kind].model)).expression(record.id).type
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


def _unmapped(mapping: Document[MappingFile]) -> Diagnostic:
    key, fields = mapping.model.key, list(mapping.model.fields)
    return mapping.report(
        "SF313",
        f"the key `{key}` is not among the mapping's fields",
        "key",
        expected=one_of(fields),
        suggestion=did_you_mean(key, fields),
        hint=f"add `{key}: item.id` to the fields",
    )


def _not_permitted(project: Project, mapping: Document[MappingFile]) -> Iterator[Diagnostic]:
    target = object_fields(project, mapping)
    if target is None:
        return
    key, (fields, _) = mapping.model.key, target
    adapter, _, name = mapping.model.target.partition("/")
    described = project.adapters[adapter].model.objects.get(name)
    permitted = list(described.keys) if described is not None else []
    if not permitted and not fields:
        return  # a table that its owner lays out: nothing is known of its fields, and any may be the key
    permitted += [field for field, entry in fields.items() if (entry.unique or entry.key) and field not in permitted]
    if key not in permitted:
        yield mapping.report(
            "SF314",
            f"`{key}` cannot be a key of {mapping.model.target}",
            "key",
            expected=one_of(permitted) if permitted else "a field marked `unique: true` or `key: true`",
            suggestion=did_you_mean(key, permitted),
            hint=f"if it is unique there, say `unique: true` in objects/{adapter}_{name}.yaml",
        )


def _shared_by_default(project: Project, mapping: Document[MappingFile]) -> Iterator[Diagnostic]:
    """Yield a constant that is the key of every record without one: such records overwrite each other."""
    form = mapping.model.fields[mapping.model.key]
    text = form.source if isinstance(form, Recipe) else "" if isinstance(form, Constant) else form
    if not text or compiled(project, text) is None or mapping.model.source not in project.schemas:
        return
    shared = form.default if isinstance(form, Recipe) and has_default(form) else _last_constant(project, text)
    if shared in (None, ""):
        return
    if isinstance(form, Recipe) and form.table is None and has_default(form):
        root = root_of(mapping.model.source, project.schemas[mapping.model.source].model)
        if is_jinja(text) or not may_be_null(Emitter(root, functions=library_of(project)).expression(text).type):
            return
    yield mapping.report(
        "SF318",
        f"the key `{mapping.model.key}` is `{shared}` for every record that has no other: they share one record there",
        *("fields", mapping.model.key, *(["default"] if isinstance(form, Recipe) and has_default(form) else [])),
        severity="warning",
        expected="a key of its own for each record, or null",
        hint="remove the constant: a record without a key becomes a dead letter and overwrites no other",
    )


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
    form = mapping.model.fields[mapping.model.key]
    identity = None if record is None else compiled(project, record.id)
    if identity is None or not identity.reads:
        return
    text = "" if isinstance(form, Constant) else form.source if isinstance(form, Recipe) else form
    expression = compiled(project, text) if text else None
    if text and expression is None:
        return
    reads = {read.steps for read in expression.reads} if expression is not None else set()
    if identity.reads[-1].steps not in reads:
        yield mapping.report(
            "SF318",
            f"the key `{mapping.model.key}` does not come from the record's id",
            "fields",
            mapping.model.key,
            severity="warning",
            expected=f"something made from {identity.text}",
            hint="a key that changes, or that two records share, makes records there collide",
        )
