"""A mapping, compiled: a record's event → the payload of an object and the key that identifies it there.

In: a ``MappingFile``, the fields of its object, and the type of the events that it reads. Out: a ``Transform``: one generated
function that makes the payload, one that makes the key.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import field
from datetime import tzinfo
from functools import cache
from typing import TypeAlias

from syncflow.compiler.door.unchanged import longest
from syncflow.compiler.expressions import FAILURES, Emitted, Emitter, FieldError, Generated
from syncflow.compiler.expressions.error_places import NO_FILE
from syncflow.compiler.expressions.scopes import UNCHECKED
from syncflow.compiler.functions import FUNCTIONS, Library
from syncflow.compiler.functions.unreadable import NOTES
from syncflow.compiler.mapping.keying import Keying, compile_keying
from syncflow.compiler.mapping.partly import Keyed, Partly
from syncflow.compiler.mapping.payloads import compile_payload_check, with_relations
from syncflow.compiler.mapping.unread import Unread, conversions_of
from syncflow.compiler.positions import place_within
from syncflow.compiler.single_expressions import has_fallback
from syncflow.compiler.texts import tidier
from syncflow.compiler.types.json import MISSING, Type, may_be_null
from syncflow.compiler.values import Fault
from syncflow.config.documents import Document
from syncflow.config.models.mapping import (
    Constant,
    FieldForm,
    MappingFile,
    Recipe,
    Relation,
    expression_path,
    has_default,
)
from syncflow.config.models.routes import UnreadableRule
from syncflow.config.models.schema import ObjectField
from syncflow.events import Change, Item, Json, Key
from syncflow.frozen import value_class

_Root = Mapping[str, Json]
_Finish: TypeAlias = Callable[[_Root, Item, Change], tuple[Item, tuple[str, ...]]]


@value_class
class Transform:
    """A compiled mapping. Pure, and safe to share."""

    target: str
    key_names: tuple[str, ...]
    payload: Callable[[_Root, Change], Item] = field(repr=False)
    """(root, change) → the checked payload. Raises Fault with the field's name and no value."""
    key: Callable[[_Root], Key] = field(repr=False)
    """root → the target key; its value is empty where it cannot be told from what is there. The root may be that of a delete."""
    keyed: Callable[[_Root, Change], Keyed] = field(repr=False)
    """(root, change) → key and payload of a record that is not deleted, as the other two make them, and the fields that met an
    unreadable value. Raises Fault."""
    unread: Unread | None = field(default=None, repr=False)
    """What becomes of unreadable values; None where no conversion can meet one."""
    generated: Generated | None = field(default=None, repr=False)
    """What makes the payload."""
    partly: Partly | None = field(default=None, repr=False)
    """What is made of an event that leaves unchanged paths out."""

    @property
    def source(self) -> str:
        """The generated code, for a person."""
        return self.generated.source if self.generated else ""


@value_class
class Recipes:
    """How the fields of a mapping are made: each on its own with its type, and all of them in one emitter."""

    emitter: Emitter
    fields: dict[str, Emitted]
    sure: frozenset[str]
    conversions: dict[str, list[str]]
    """By field: the functions in it that may meet a value which they cannot read."""
    """Fields that are always there and never null."""


def compile_mapping(
    mapping: MappingFile,
    fields: Mapping[str, ObjectField],
    *,
    zone: tzinfo,
    partial: bool,
    as_text: bool,
    scope: Type = UNCHECKED,
    document: Document[MappingFile] | None = None,
    functions: Library = FUNCTIONS,
    unreadable: UnreadableRule = "keep",
    one_of: Sequence[Sequence[str]] = (),
) -> Transform:
    """Compile a mapping for events whose root is of the type ``scope``. ``partial``: an absent source path leaves its field out.
    ``document``: where it stands, so that a traceback points there. ``unreadable``: the rule of the project. ``one_of``: lists of fields
    of which a record of the object must have one.

    Raises:
        ExpressionError: an expression cannot be compiled.
    """
    relations = {name: form for name, form in mapping.fields.items() if isinstance(form, Relation)}
    written = {name: (form.by, _cleared(name, fields.get(name))) for name, form in relations.items()}
    fields = {**fields, **{name: aimed_at(fields[name], form) for name, form in relations.items() if name in fields}}
    made = emit(mapping, scope, partial=partial, document=document, functions=functions)
    function = made.emitter.function("payload")
    kinds = {name: emitted.type for name, emitted in made.fields.items()}

    @cache
    def checked(sure: frozenset[str]) -> Callable[[Item, Change], Item] | None:
        omit = mapping.nulls == "omit"
        found = compile_payload_check(
            fields, kinds, zone=zone, as_text=as_text, sure=sure, one_of=one_of, omit_nulls=omit
        )
        return with_relations(found, written)

    check = checked(made.sure)
    required = {name for name, each in fields.items() if each.required and not each.read_only}
    required |= set(mapping.keys) if len(mapping.keys) == 1 else set()
    unread = _unread(mapping, made, required, scope, functions, unreadable)
    finish = _finish(check, unread)
    keying = _keying(mapping, fields, functions)
    payload, keyed = _payload(function, finish, keying), _keyed(function.bare, function.tell, finish, keying)
    alone = _each_alone(mapping, scope, partial=partial, functions=functions)

    def without(root: _Root, change: Change, left_out: Collection[str]) -> Keyed:
        rest = None if unread is None else unread.without(left_out)

        def make(root: _Root) -> Item:
            return {
                key: value
                for name in mapping.fields
                if name not in left_out
                for key, value in alone(name)(root).items()
            }

        return _keyed(make, _told, _finish(checked(frozenset()), rest), keying)(root, change)

    emitted = made.fields | _own_key(mapping, scope, functions)
    reads = {name: longest(read.steps for read in each.reads) for name, each in emitted.items()}
    partly = Partly(mapping.key_names, reads, partial, without)
    return Transform(mapping.target, mapping.key_names, payload, keying.of_root, keyed, unread, function, partly)


def _own_key(mapping: MappingFile, scope: Type, functions: Library) -> dict[str, Emitted]:
    """Return, by its name, a key that is no field."""
    if mapping.keys:
        return {}
    emitter = Emitter(scope, functions=functions)
    return {name: emit_field(emitter, name, form) for name, form in mapping.key_forms.items()}


def _each_alone(
    mapping: MappingFile, scope: Type, *, partial: bool, functions: Library
) -> Callable[[str], Callable[[_Root], Item]]:
    """Return what makes the payload of one field alone; each is compiled when first needed, which is seldom."""

    @cache
    def alone(name: str) -> Callable[[_Root], Item]:
        only = mapping.model_copy(update={"fields": {name: mapping.fields[name]}})
        return emit(only, scope, partial=partial, functions=functions).emitter.function("payload").call

    return alone


def _told(error: Exception) -> FieldError:
    assert isinstance(error, FieldError), "a field that is made alone says so itself"
    return error


def aimed_at(field: ObjectField, form: FieldForm) -> ObjectField:
    """Return the field that a form's expression is for: of a relation, that of the other record."""
    if not isinstance(form, Relation) or field.by is None or form.by not in field.by:
        return field if not isinstance(form, Relation) else ObjectField(type="json", required=field.required)
    return field.by[form.by].model_copy(update={"required": field.required, "read_only": field.read_only})


def _cleared(name: str, field: ObjectField | None) -> str:
    return name if field is None or field.cleared_by is None else field.cleared_by


def _unread(
    mapping: MappingFile,
    made: Recipes,
    required: Collection[str],
    scope: Type,
    functions: Library,
    rule: UnreadableRule,
) -> Unread | None:
    if not made.conversions:
        return None
    rules = {name: _unreadable_rule(mapping.fields[name]) or mapping.unreadable or rule for name in made.conversions}
    again = {name: _alone(name, mapping.fields[name], scope, functions) for name in made.conversions}
    return Unread(again, rules, required)


def _unreadable_rule(form: FieldForm) -> UnreadableRule | None:
    return form.unreadable if isinstance(form, Recipe) else None


def _alone(name: str, form: FieldForm, scope: Type, functions: Library) -> Callable[[_Root], Json]:
    """Return what evaluates one field; it is compiled when first needed, which is seldom."""

    @cache
    def compiled() -> Callable[[_Root], Json]:
        emitter = Emitter(scope, functions=functions)
        return emitter.function(name, emit_field(emitter, name, form)).bare

    def alone(root: _Root) -> Json:
        return compiled()(root)

    return alone


def _finish(check: Callable[[Item, Change], Item] | None, unread: Unread | None) -> _Finish | None:
    """Return what follows when a payload is made: unreadable values are settled, and the object's rules are checked."""
    if unread is None:
        return None if check is None else lambda _, payload, change: (check(payload, change), ())

    def finish(root: _Root, payload: Item, change: Change) -> tuple[Item, tuple[str, ...]]:
        met: tuple[str, ...] = ()
        if NOTES.any:
            met = unread.settle(root, payload)
            NOTES.any = False
        return payload if check is None else check(payload, change), met

    return finish


def emit(
    mapping: MappingFile,
    scope: Type,
    *,
    partial: bool,
    document: Document[MappingFile] | None = None,
    functions: Library = FUNCTIONS,
) -> Recipes:
    """Infer and lower every field of a mapping.

    Raises:
        ExpressionError: an expression cannot be compiled.
    """
    file = NO_FILE if document is None else document.name
    emitter, fields, sure = Emitter(scope, functions=functions, file=file), dict[str, Emitted](), set[str]()
    found: dict[str, list[str]] = {}
    omit = mapping.nulls == "omit"
    for name, form in mapping.fields.items():
        emitted = emit_field(emitter, name, form, document=document)
        needs = tuple(_item_paths(emitted)) if partial else ()
        fields[name] = emitter.field(name, emitted, omit_null=omit, needs=needs)
        if not needs and not may_be_null(emitted.type):
            sure.add(name)
        if conversions := conversions_of(emitted, emitter.functions):
            found[name] = conversions
    return Recipes(emitter, fields, frozenset(sure), found)


def emit_field(
    emitter: Emitter, name: str, form: FieldForm, *, document: Document[MappingFile] | None = None
) -> Emitted:
    """Infer and lower one field of a mapping.

    Raises:
        ExpressionError: its expression cannot be compiled.
    """
    if isinstance(form, Constant):
        return emitter.constant(form.value)
    path = expression_path(name, form)
    place = None if document is None else place_within(document.span(*path))
    careful = _forgiving(emitter) if has_fallback(form) else emitter
    found = careful.expression(form.source if isinstance(form, Recipe) else form, place=place, field=name)
    return _of_recipe(emitter, found, form) if isinstance(form, Recipe) else found


def _forgiving(emitter: Emitter) -> Emitter:
    """Return an emitter of the same function in whose expressions null stands for what fails, so that a default takes its place."""
    forgiving = emitter.functions.forgiving
    if forgiving is emitter.functions:
        return emitter
    twin = copy(emitter)
    twin.functions = forgiving
    return twin


def _of_recipe(emitter: Emitter, found: Emitted, recipe: Recipe) -> Emitted:
    default = recipe.default if has_default(recipe) else MISSING
    if recipe.table is not None:
        return emitter.looked_up(found, recipe.table, default)
    return found if default is MISSING else emitter.defaulted(found, default)


def _item_paths(emitted: Emitted) -> Iterator[tuple[str | int | None, ...]]:
    yield from dict.fromkeys(read.steps for read in emitted.reads if read.steps[0] == "item")


def _payload(function: Generated, finish: _Finish | None, keying: Keying) -> Callable[[_Root, Change], Item]:
    make = function.bare

    def payload(root: _Root, change: Change) -> Item:
        try:
            made: Item = make(root)
        except FAILURES as error:
            raise _fault(function.tell(error)) from error
        keying.of_payload(root, made)
        return made if finish is None else finish(root, made, change)[0]

    return payload


def _keyed(
    make: Callable[[_Root], Item], tell: Callable[[Exception], FieldError], finish: _Finish | None, keying: Keying
) -> Callable[[_Root, Change], Keyed]:
    key_of = keying.of_payload

    def keyed(root: _Root, change: Change) -> Keyed:
        try:
            made: Item = make(root)
        except FAILURES as error:
            raise _fault(tell(error)) from error
        key = key_of(root, made)
        if finish is None:
            return key, made, ()
        return key, *finish(root, made, change)

    return keyed


def _fault(error: FieldError) -> Fault:
    return Fault("mapping", "expression", (f"{error.field}: " if error.field else "") + error.message)


def _keying(mapping: MappingFile, fields: Mapping[str, ObjectField], functions: Library) -> Keying:
    """The key of a delete is told from an item of which nothing is known."""
    emitter = Emitter(UNCHECKED, functions=functions)
    made = [
        (name, emitter.function("key", emit_field(emitter, name, form)), tidier(fields.get(name)))
        for name, form in mapping.key_forms.items()
    ]
    return compile_keying(made, is_own=not mapping.keys)
