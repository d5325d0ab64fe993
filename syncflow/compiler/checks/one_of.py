"""Does a record have one of the fields of which its object requires one (``one_of``)? And are these fields of the object?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from syncflow.compiler.expressions import Emitted
from syncflow.compiler.languages.base import is_jinja
from syncflow.compiler.types.fitting import may_be_blank, may_choose_none
from syncflow.compiler.types.json import may_be_null
from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.documents import Document, MergedObject
from syncflow.config.models.mapping import Constant, MappingFile, Recipe
from syncflow.config.models.schema import ObjectField
from syncflow.config.project import Project


def check_groups(project: Project) -> Iterator[Diagnostic]:
    """Yield names in ``one_of`` that are no fields of their object."""
    for merged in project.objects.values():
        document = merged.documents[-1]
        if document.model.open:
            continue
        for index, group in enumerate(document.model.one_of):
            for position, name in enumerate(group):
                if name not in merged.model.fields:
                    close = did_you_mean(name, merged.model.fields)
                    yield document.report(
                        "SF310",
                        f"{document.model.object} has no field `{name}`",
                        "one_of",
                        index,
                        position,
                        expected="" if close else one_of(list(merged.model.fields)),
                        suggestion=close,
                    )


def check_one_of(
    project: Project, mapping: Document[MappingFile], made: Mapping[str, Emitted], *, partial: bool
) -> Iterator[Diagnostic]:
    """Yield the lists of which a record of this mapping may have no field at all."""
    adapter, _, name = mapping.model.target.partition("/")
    target = project.objects.get((adapter, name))
    if target is None:
        return
    for group in target.model.one_of:
        if not target.model.open and not all(name in target.model.fields for name in group):
            continue  # the object's own file is told so
        given = [field for field in group if field in mapping.model.fields]
        if not given:
            yield _none_given(mapping, group)
        elif not any(_is_sure(mapping, field, target, made.get(field), partial=partial) for field in given):
            yield _may_be_empty(mapping, group, given)


def _none_given(mapping: Document[MappingFile], group: Sequence[str]) -> Diagnostic:
    message = f"{mapping.model.target} requires one of {_listed(group)}, and the mapping gives none of them"
    return mapping.report("SF312", message, "fields", at_key=True, hint=f"add `{group[0]}:` to the fields")


def _may_be_empty(mapping: Document[MappingFile], group: Sequence[str], given: Sequence[str]) -> Diagnostic:
    last = given[-1]
    form = mapping.model.fields[last]
    text = form.source if isinstance(form, Recipe) else form if isinstance(form, str) else ""
    return mapping.report(
        "SF319",
        f"{mapping.model.target} requires one of {_listed(group)}, and all that this mapping gives of them may be empty",
        "fields",
        last,
        severity="warning",
        hint="insert a default" if is_jinja(text) else f"write {text} || '…'",
    )


def _is_sure(
    mapping: Document[MappingFile], name: str, target: MergedObject, emitted: Emitted | None, *, partial: bool
) -> bool:
    form, field = mapping.model.fields[name], target.model.fields.get(name) or ObjectField.model_construct()
    if isinstance(form, Constant):
        return form.value is not None and (not isinstance(form.value, str) or bool(form.value.strip()))
    if emitted is None or (partial and any(read.steps[0] == "item" for read in emitted.reads)):
        return emitted is None  # what cannot be compiled has its own diagnostic
    if field.type == "options" and may_choose_none(emitted.type):
        return False
    return not may_be_null(emitted.type) and not (field.trim and may_be_blank(emitted.type))


def _listed(names: Sequence[str]) -> str:
    return one_of([f"`{name}`" for name in names]).removeprefix("one of ")
