"""A mapping, compiled: a record's event → the payload of an object and the key that identifies it there.

In: a ``MappingFile`` and the fields of its object. Out: a ``Transform``. What it does to a value is nobody else's business, so
that generated code can stand behind the same interface.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from syncflow.compiler.expressions import Expression, Read, compile_expression
from syncflow.compiler.payloads import compile_payload_check
from syncflow.compiler.values import Fault, kind_of, text_of, text_of_id
from syncflow.config.models.mapping import Constant, MappingFile, Recipe
from syncflow.config.models.schema import ObjectField
from syncflow.errors import DataError
from syncflow.events import Change, Item, Json

_Root = Mapping[str, Json]
_Value = Callable[[_Root], Json]
_ABSENT: Any = object()
"""A field that is left out, because what it comes from is not in the item."""


@dataclass(frozen=True, slots=True)
class Transform:
    """A compiled mapping. Pure, and safe to share."""

    target: str
    key_name: str
    payload: Callable[[_Root, Change], Item] = field(repr=False)
    """(root, change) → the checked payload. Raises Fault with the field's name and no value."""
    key: Callable[[_Root], str] = field(repr=False)
    """root → the target key; empty where it cannot be told from what is there."""


def compile_mapping(
    mapping: MappingFile, fields: Mapping[str, ObjectField], *, zone: tzinfo, partial: bool, as_text: bool
) -> Transform:
    """Compile a mapping. ``partial``: an absent source path leaves its field out.

    Raises:
        ExpressionError: an expression cannot be compiled.
    """
    values = {name: _value(form, partial=partial) for name, form in mapping.fields.items()}
    check = compile_payload_check(fields, tuple(values), zone=zone, as_text=as_text)
    omit_nulls = mapping.nulls == "omit"

    def payload(root: _Root, change: Change) -> Item:
        made: Item = {}
        for name, value in values.items():
            found = _evaluate(name, value, root)
            if found is not _ABSENT and not (found is None and omit_nulls):
                made[name] = found
        return check(made, change)

    return Transform(mapping.target, mapping.key, payload, _key(values[mapping.key]))


def _evaluate(name: str, value: _Value, root: _Root) -> Json:
    try:
        return value(root)
    except DataError as error:
        raise Fault("mapping", "expression", f"{name}: {error.message}") from None


def _key(value: _Value) -> Callable[[_Root], str]:
    def key(root: _Root) -> str:
        try:
            return text_of_id(value(root)) or ""
        except DataError:
            return ""

    return key


def _value(form: str | Constant | Recipe, *, partial: bool) -> _Value:
    if isinstance(form, Constant):
        return _constant(form.value)
    expression = compile_expression(form.source if isinstance(form, Recipe) else form)
    value = _looked_up(expression, form) if isinstance(form, Recipe) else expression.evaluate
    return _if_present(expression, value) if partial else value


def _constant(value: Json) -> _Value:
    return lambda root: value


def _looked_up(expression: Expression, recipe: Recipe) -> _Value:
    """Return the value of ``{from, table, default}``. A null without default stays null."""
    table: Mapping[Any, Json] | None = recipe.table
    default: Json = recipe.default
    has_default = "default" in recipe.model_fields_set

    def look_up(root: _Root) -> Json:
        found = expression.evaluate(root)
        if found is None:
            return default
        if table is None:
            return found
        name = text_of(found)
        if name in table:
            return table[name]
        if has_default:
            return default
        raise DataError(f"the value of {recipe.source} ({kind_of(found)}) is not in the table, and there is no default")

    return look_up


def _if_present(expression: Expression, value: _Value) -> _Value:
    paths = [read for read in expression.paths() if read.steps[0] == "item"]

    def present(root: _Root) -> Json:
        return value(root) if all(_is_there(root, path) for path in paths) else _ABSENT

    return present


def _is_there(root: Any, path: Read) -> bool:
    """Tell whether a path leads anywhere. Behind a null it counts as there: the null clears."""
    for step in path.steps:
        if step is None or not isinstance(root, Mapping):
            return True
        if step not in root:
            return False
        root = root[step]
    return True
