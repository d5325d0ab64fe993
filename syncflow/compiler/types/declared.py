"""The types that files declare: a schema's nodes (what our records hold), an object's fields (what the other side
takes).

In: models of ``config.models.schema``. Out: types. Where a schema says more than a type can, the type is wider.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from syncflow.compiler.types.formats import FORMATS
from syncflow.compiler.types.json import (
    ABSENT,
    ANY,
    BOOLEAN,
    NULL,
    Array,
    Integer,
    Number,
    Object,
    Text,
    Type,
    accepts,
    closed_object,
    nullable,
    optional,
    union,
)
from syncflow.compiler.types.narrowing import of_value, restrict, without_null
from syncflow.config.models.schema import JsonType, ObjectField, SchemaNode

_JSON_TYPES: tuple[JsonType, ...] = ("null", "boolean", "number", "string", "array", "object")
_REFERENCE = "#/$defs/"
SEPARATOR = ";"
"""What stands between several options in one text where the adapter does not join them itself."""
_SAY_NOTHING = {"title", "description", "personal", "examples", "defs", "ref", "any_of", "enum", "const"}


_MOST_REPEATED = 2
"""How often definitions that contain themselves are opened again; below that they are any value."""


def from_schema(node: SchemaNode) -> Type:
    """Return the type of the values that a schema file admits; a definition that contains itself is any value some
    levels down."""
    kept = _KEPT.get(id(node))
    if kept is None or kept[0] is not node:
        if len(_KEPT) >= _MOST_KEPT:
            _KEPT.clear()
        kept = _KEPT[id(node)] = (node, _of_node(node, node.defs, ()))
    return kept[1]


_MOST_KEPT = 256
_KEPT: dict[int, tuple[SchemaNode, Type]] = {}
"""Types of schemas by the identity of the node, which is frozen and kept beside its type: every check asks for them."""


def _of_node(node: SchemaNode, defs: Mapping[str, SchemaNode], within: tuple[str, ...]) -> Type:
    kind = _of_words(node, defs, within)
    if node.any_of is not None:
        kind = restrict(kind, union(*(_of_node(alternative, defs, within) for alternative in node.any_of)))
    if node.ref is not None:
        kind = restrict(kind, _of_reference(node.ref, defs, within))
    return _of_listed(node, kind)


def _of_reference(reference: str, defs: Mapping[str, SchemaNode], within: tuple[str, ...]) -> Type:
    name = reference.removeprefix(_REFERENCE)
    if name not in defs or (name in within and len(within) - len(set(within)) >= _MOST_REPEATED):
        return ANY
    return _of_node(defs[name], defs, (*within, name))


def _of_listed(node: SchemaNode, kind: Type) -> Type:
    """Keep of ``kind`` what ``enum`` and ``const`` list."""
    for values in (node.enum, (node.const,) if "const" in node.model_fields_set else None):
        if values is not None:
            kind = union(*(of_value(value) for value in values if accepts(kind, value)))
    return kind


def _of_words(node: SchemaNode, defs: Mapping[str, SchemaNode], within: tuple[str, ...]) -> Type:
    if not node.model_fields_set - _SAY_NOTHING:
        return ANY
    names = _JSON_TYPES if node.type is None else (node.type,) if isinstance(node.type, str) else node.type
    return union(*(_of_name(name, node, defs, within) for name in names))


def _of_name(name: JsonType, node: SchemaNode, defs: Mapping[str, SchemaNode], within: tuple[str, ...]) -> Type:  # noqa: PLR0911
    match name:
        case "null":
            return NULL
        case "boolean":
            return BOOLEAN
        case "integer":
            return _whole(node.minimum, node.maximum)
        case "number":
            return Number(node.minimum, node.maximum)
        case "string":
            return _text(node)
        case "array":
            return Array(ANY if node.items is None else _of_node(node.items, defs, within))
        case "object":
            return _object(node, defs, within)


def _whole(least: float | None, most: float | None) -> Integer:
    return Integer(None if least is None else math.ceil(least), None if most is None else math.floor(most))


def _text(node: SchemaNode) -> Text:
    return Text(
        format=node.format if node.format in FORMATS else None,
        min_length=node.min_length or 0,
        max_length=node.max_length,
        pattern=node.pattern,
    )


def _object(node: SchemaNode, defs: Mapping[str, SchemaNode], within: tuple[str, ...]) -> Object:
    extra = node.additional_properties
    others = (
        optional(_of_node(extra, defs, within)) if isinstance(extra, SchemaNode) else optional(ANY) if extra else ABSENT
    )
    known = {name: _of_node(entry, defs, within) for name, entry in node.properties.items()}
    for name in node.required:
        known.setdefault(name, ANY if extra is True else restrict(others, ANY))
    properties = ((name, kind if name in node.required else optional(kind)) for name, kind in known.items())
    return Object(tuple(sorted(properties)), others)


def _options(field: ObjectField) -> Type:
    """Several of the options: as a list, or as one text."""
    if field.options is None:
        return union(Text(max_length=field.length), Array(nullable(Text())))
    pieces = tuple(sorted(set(field.options)))
    text = Text(max_length=field.length, joined=(field.separator or SEPARATOR, pieces))
    return union(text, Array(nullable(Text(values=frozenset(pieces)))))


def from_object_field(field: ObjectField) -> Type:
    """Return the type of what may be sent for a field: null clears it unless it is required."""
    kind = _of_field(field)
    return kind if field.required else nullable(kind)


def _of_field(field: ObjectField) -> Type:  # noqa: PLR0911  # one line a type
    match field.type:
        case "email" | "date" | "time" | "uuid":
            return Text(format=field.type, max_length=field.length)
        case "date-time":
            return Text(format="date-time-zoned", max_length=field.length)
        case "integer":
            return _whole(field.minimum, field.maximum)
        case "number":
            return Number(field.minimum, field.maximum)
        case "decimal":
            number, is_bounded = Number(field.minimum, field.maximum), (field.minimum, field.maximum) != (None, None)
            return number if is_bounded else union(number, Text(format="decimal"))  # digits as text prove no bounds
        case "boolean":
            return BOOLEAN
        case "option":
            return Text(values=None if field.options is None else frozenset(field.options), max_length=field.length)
        case "json":
            return ANY
        case "relation":
            return union(
                *(closed_object(**{name: without_null(_of_field(one))}) for name, one in (field.by or {}).items())
            )
        case "options":
            return _options(field)
        case "text" | "phone" | "url" | "reference":
            return Text(max_length=field.length)
