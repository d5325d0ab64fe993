"""The fast path: one call into compiled code that tells of nearly every good value that it is good.

In: a ``SchemaNode``. Out: a predicate. True is a promise: the strict model of the same schema takes the value as well (a test
holds the two together). False says nothing; the model is asked then, and finds the words. So a fast path may know less than the
model: of formats a plain form, of numbers those of everyday size, and what only the model knows it asks the model.

``whole`` promises more: nothing of the value is unknown, nothing in it can have lost a digit when it was read (an integer of
more than 64 bits comes out of a decoder as a large decimal), and it is no deeper than its schema.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

from pydantic_core import CoreSchema, SchemaValidator, core_schema

from syncflow.compiler.types.formats import FORMATS
from syncflow.compiler.types.json import LARGEST_INTEGER, SMALLEST_INTEGER
from syncflow.config.models.schema import SchemaNode

FastPath = Callable[[Any], bool]
Ask = Callable[[SchemaNode], Callable[[Any], Any]]
"""A part of the schema → the model's own check of it, which raises ValueError."""

_EXACT: Final = 2**53
"""Up to here a float is the number that was written, and never a rounded integer of more than 64 bits."""

_DEEPEST: Final = 20
"""Parts nested deeper than this are left to the model."""

_INTEGER: Final = core_schema.int_schema(strict=True, ge=SMALLEST_INTEGER, le=LARGEST_INTEGER)
_FLOAT: Final = core_schema.float_schema(strict=True, allow_inf_nan=False, ge=-_EXACT, le=_EXACT)
_SCALAR: Final = core_schema.union_schema(
    [
        core_schema.str_schema(strict=True),
        core_schema.none_schema(),
        core_schema.bool_schema(strict=True),
        _INTEGER,
        _FLOAT,
    ],
    mode="left_to_right",
)


def compile_fast_path(node: SchemaNode, ask: Ask, *, whole: bool = False) -> FastPath:
    """Compile the fast path for a value of the schema."""
    return SchemaValidator(_Builder(ask, whole=whole).value(node, 0)).isinstance_python


def compile_event_fast_path(kind: str, node: SchemaNode, ask: Ask) -> FastPath:
    """Compile the fast path for a whole event of a kind that creates or updates; of its timestamp only the type is looked at.

    Most events have the usual parts and no field that the schema does not know; so much is told sooner without looking for more.
    """
    builder = _Builder(ask, whole=True)
    known_of = SchemaValidator(builder.known(node)).validate_python
    is_any = SchemaValidator(_event(kind, builder.value(node, 0))).isinstance_python

    def fits(root: Any) -> bool:
        try:
            item = root["item"]
            is_usual = (
                len(root) == 4
                and root["timestamp"].__class__ is str
                and ((operation := root["operation"]) == "create" or operation == "update")
                and root["record"] == kind
                and len(known_of(item)) == len(item)
            )
        except (LookupError, TypeError, ValueError):
            is_usual = False
        return is_usual or is_any(root)

    return fits


def _event(kind: str, item: CoreSchema) -> CoreSchema:
    parts = {
        "record": core_schema.literal_schema([kind]),
        "operation": core_schema.literal_schema(["create", "update"]),
        "timestamp": _SCALAR,
        "item": item,
    }
    fields = {name: core_schema.typed_dict_field(part, required=name != "timestamp") for name, part in parts.items()}
    return core_schema.typed_dict_schema(fields, strict=True, extra_behavior="allow", extras_schema=_SCALAR)


class _Builder:
    """Turns nodes into the core schemas of values that fit for sure."""

    def __init__(self, ask: Ask, *, whole: bool) -> None:
        self._ask = ask
        self._whole = whole
        self._anything: CoreSchema = _SCALAR if whole else core_schema.any_schema()

    def value(self, node: SchemaNode, depth: int) -> CoreSchema:
        if not node.model_fields_set - _SAY_NOTHING:
            return self._anything
        if node.any_of or node.ref is not None or "const" in node.model_fields_set or depth > _DEEPEST:
            return self._asked(node)
        if node.enum is not None:
            return self._listed(node, node.enum)
        if node.type is None:
            return self._asked(node)
        kinds = (node.type,) if isinstance(node.type, str) else node.type
        return _one_of([self._of_type(kind, node, depth) for kind in kinds if kind != "null"], null="null" in kinds)

    def known(self, node: SchemaNode) -> CoreSchema:
        """Return the schema of an object that makes a copy without the fields of which nothing is known."""
        schema = self.value(node, 0)
        if schema["type"] == "typed-dict" and not isinstance(node.additional_properties, SchemaNode):
            schema = core_schema.typed_dict_schema(schema["fields"], strict=True, extra_behavior="ignore")
        return schema

    def _asked(self, node: SchemaNode) -> CoreSchema:
        asked = core_schema.no_info_plain_validator_function(self._ask(node))
        if not self._whole:
            return asked
        # A whole decimal may stand where the schema says integer: the careful way rewrites it.
        return core_schema.chain_schema(
            [core_schema.no_info_before_validator_function(_no_whole_decimal, _SCALAR), asked]
        )

    def _listed(self, node: SchemaNode, values: Sequence[Any]) -> CoreSchema:
        texts = [value for value in values if isinstance(value, str)]
        kinds = ("string", "null") if node.type is None else node.type
        if "string" not in kinds or not texts or node.model_fields_set & _TEXT_WORDS:
            return self._asked(node)
        listed = core_schema.literal_schema(texts)
        return core_schema.nullable_schema(listed) if None in values and "null" in kinds else listed

    def _of_type(self, kind: str, node: SchemaNode, depth: int) -> CoreSchema:
        match kind:
            case "boolean":
                return core_schema.bool_schema(strict=True)
            case "integer":
                return _integer(node)
            case "number":
                return core_schema.union_schema([_integer(node), _float(node)], mode="left_to_right")
            case "string":
                return self._text(node)
            case "array":
                items = self._anything if node.items is None else self.value(node.items, depth + 1)
                return core_schema.list_schema(items, strict=True)
        return self._object(node, depth)

    def _text(self, node: SchemaNode) -> CoreSchema:
        known = None if node.format is None or node.format not in FORMATS else FORMATS[node.format]
        if node.pattern is not None:
            return self._asked(node)
        return core_schema.str_schema(
            strict=True,
            min_length=node.min_length,
            max_length=node.max_length,
            pattern=None if known is None else f"^(?:{known.plain})$",
            regex_engine="rust-regex",
        )

    def _object(self, node: SchemaNode, depth: int) -> CoreSchema:
        known = {key: self.value(entry, depth + 1) for key, entry in node.properties.items()}
        behaviour, others = self._others(node, depth)
        known |= {key: others or self._anything for key in node.required if key not in known}
        fields = {key: core_schema.typed_dict_field(part, required=key in node.required) for key, part in known.items()}
        return core_schema.typed_dict_schema(fields, strict=True, extra_behavior=behaviour, extras_schema=others)

    def _others(self, node: SchemaNode, depth: int) -> tuple[Literal["allow", "forbid", "ignore"], CoreSchema | None]:
        extra = node.additional_properties
        if isinstance(extra, SchemaNode):
            return "allow", self.value(extra, depth + 1)
        if not extra:
            return "forbid", None
        return ("allow", _SCALAR) if self._whole else ("ignore", None)


def _no_whole_decimal(value: Any) -> Any:
    if value.__class__ is float and value.is_integer():
        raise ValueError
    return value


_SAY_NOTHING: Final = {"title", "description", "personal", "examples", "defs"}
_TEXT_WORDS: Final = {"min_length", "max_length", "pattern", "format"}


def _one_of(kinds: Sequence[CoreSchema], *, null: bool) -> CoreSchema:
    if not kinds:
        return core_schema.none_schema()
    kind = kinds[0] if len(kinds) == 1 else core_schema.union_schema(list(kinds), mode="left_to_right")
    return core_schema.nullable_schema(kind) if null else kind


def _integer(node: SchemaNode) -> CoreSchema:
    least = SMALLEST_INTEGER if node.minimum is None else max(math.ceil(node.minimum), SMALLEST_INTEGER)
    most = LARGEST_INTEGER if node.maximum is None else min(math.floor(node.maximum), LARGEST_INTEGER)
    return core_schema.int_schema(strict=True, ge=least, le=most)


def _float(node: SchemaNode) -> CoreSchema:
    least = -_EXACT if node.minimum is None else max(node.minimum, -_EXACT)
    most = _EXACT if node.maximum is None else min(node.maximum, _EXACT)
    return core_schema.float_schema(strict=True, allow_inf_nan=False, ge=least, le=most)
