"""Checks of ``adopt``: can a record be looked for by these fields, and can what is found get the key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from syncflow.compiler.checks.keys import permitted_keys
from syncflow.compiler.checks.places import object_fields
from syncflow.compiler.checks.written import texts_within
from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.mapping import Constant, MappingFile, OwnKey
from syncflow.config.project import Project

_LIKE_TEXT: Final = frozenset({"text", "email", "phone", "url", "integer", "reference"})
"""Types whose values can be looked for."""


def check_adopting(project: Project) -> Iterator[Diagnostic]:
    """Yield what is wrong with ``adopt`` of each mapping."""
    for mapping in project.mappings.values():
        if mapping.model.adopt:
            yield from _cannot_look(project, mapping)
            yield from _cannot_get_a_key(mapping)
            for index in range(len(mapping.model.adopt)):
                yield from _wrong_field(project, mapping, index)


def _cannot_look(project: Project, mapping: Document[MappingFile]) -> Iterator[Diagnostic]:
    name, _, object_name = mapping.model.target.partition("/")
    adapter = project.adapters.get(name)
    if adapter is None:
        return
    if adapter.model.find is None:
        yield mapping.report(
            "SF362",
            f"the adapter {name} does not say how records are looked for by a field that is not their key",
            "adopt",
            at_key=True,
            hint="say `find:` in the adapter, or take `adopt` out"
            if adapter.model.speaks_http
            else "take `adopt` out: a table is written by its key alone",
        )
    elif why := _why_not(adapter.model, object_name) or _not_by_id(adapter, object_name):
        yield mapping.report("SF362", why, "adopt", at_key=True, hint="take `adopt` out")


def _why_not(adapter: AdapterFile, object_name: str) -> str:
    operations = adapter.operations_of(object_name)
    if "update" not in operations:
        return f"what is found is updated by its id there, and {adapter.adapter}/{object_name} has no operation update"
    by_job = [
        action
        for action, each in operations.items()
        if action != "delete" and each.job is not None and each.request is None and not each.steps
    ]
    if by_job:
        return f"records of {adapter.adapter}/{object_name} go by jobs alone ({', '.join(by_job)}), and a job looks for nothing"
    return ""


def _not_by_id(adapter: Document[AdapterFile], object_name: str) -> str:
    """What is found has another key, or none: an update that is addressed by the key would miss it."""
    described = adapter.model.objects.get(object_name)
    own = ("objects", object_name) if described is not None and described.operations else ()
    texts = list(texts_within(adapter, (*own, "operations", "update")))
    if adapter.model.operations_of(object_name)["update"].with_ is not None or any(
        "vendor_id" in text for text in texts
    ):
        return ""
    return f"what is found is updated by its id there, and no request of update of {adapter.model.adapter}/{object_name} names vendor_id"


def _cannot_get_a_key(mapping: Document[MappingFile]) -> Iterator[Diagnostic]:
    if isinstance(mapping.model.key, OwnKey):
        yield mapping.report(
            "SF361",
            "the key is no field of the payload, so what is found would not get it",
            "adopt",
            at_key=True,
            expected="a key that is one of `fields`",
            hint="take `adopt` out, or make the key a field",
        )


def _wrong_field(project: Project, mapping: Document[MappingFile], index: int) -> Iterator[Diagnostic]:
    model, name = mapping.model, mapping.model.adopt[index]
    place = ("adopt", index)
    if name in model.key_names:
        hint = (
            "take it out"
            if len(model.adopt) > 1
            else "take `adopt` out, or name another field that tells records apart"
        )
        yield mapping.report("SF361", f"`{name}` is the key, by which records are found anyway", *place, hint=hint)
        return
    if name in model.adopt[:index]:
        yield mapping.report("SF361", f"`{name}` stands here twice", *place, hint="take one out")
        return
    form = model.fields.get(name)
    if form is None:
        others = [field for field in model.fields if field not in model.key_names]
        yield mapping.report(
            "SF361",
            f"nothing fills `{name}`, so nothing can be looked for by it",
            *place,
            expected=one_of(others) if others else "a field of the mapping",
            suggestion=did_you_mean(name, others),
            hint=f"add `{name}: …` to the fields",
        )
        return
    if isinstance(form, Constant):
        yield mapping.report("SF361", f"`{name}` is the same for every record", *place, hint="take it out")
        return
    yield from _not_told_apart(project, mapping, name, place)


def _not_told_apart(
    project: Project, mapping: Document[MappingFile], name: str, place: tuple[str | int, ...]
) -> Iterator[Diagnostic]:
    target, permitted = object_fields(project, mapping), permitted_keys(project, mapping)
    if target is None or permitted is None:
        return
    fields, _ = target
    adapter, _, object_name = mapping.model.target.partition("/")
    if name in fields and fields[name].type not in _LIKE_TEXT:
        yield mapping.report(
            "SF361",
            f"`{name}` of {mapping.model.target} is of type {fields[name].type}, by which no record is looked for",
            *place,
            expected="a field of text, such as an e-mail address or a number of the record",
        )
    elif name not in permitted and (name in fields or not target[1]):
        others = [field for field in permitted if field not in mapping.model.key_names]
        yield mapping.report(
            "SF361",
            f"records of {mapping.model.target} may share a value of `{name}`",
            *place,
            expected=one_of(others) if others else "a field marked `unique: true` or `key: true`",
            suggestion=did_you_mean(name, others),
            hint=f"if it is unique there, say `unique: true` in objects/{adapter}_{object_name}.yaml",
        )
