"""The door: a schema becomes a strict Pydantic model that coerces nothing, and a check that says what does not fit.

In: a ``SchemaNode``. Out: a ``RecordValidator``. The item that passes is the item that was read: what validation would make of it is
thrown away, so that later stages read exactly the value that was checked. Only what can be written in several forms is rewritten
before it is checked (``one_form``).
"""

from __future__ import annotations

import keyword
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Annotated, Any, Literal, Union

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    StrictStr,
    TypeAdapter,
    ValidationError,
    create_model,
)
from pydantic_core import PydanticCustomError

from syncflow.compiler.door.fast_path import compile_event_fast_path, compile_fast_path
from syncflow.compiler.door.misfits import Misfit, explain
from syncflow.compiler.door.one_form import compile_one_form
from syncflow.compiler.expressions.scopes import root_of
from syncflow.compiler.types.formats import FORMATS
from syncflow.compiler.types.json import LARGEST_INTEGER, SMALLEST_INTEGER, Type, matches_pattern
from syncflow.config.models.schema import SchemaNode
from syncflow.events import Item, Json
from syncflow.frozen import value_class

REFERENCE = "#/$defs/"
_ALL_TYPES = ("null", "boolean", "number", "string", "array", "object")
_NULL = Annotated[None, Field()]
_SAY_NOTHING = {"title", "description", "personal", "examples", "defs"}


@value_class
class RecordValidator:
    """A compiled schema. ``model`` is for people who work in Python; ``misfits`` is what the stream asks."""

    model: type[BaseModel]
    root: Type
    """The type of what expressions see of an event of this kind that has passed."""
    fits_a_whole_event: Callable[[Any], bool] = field(repr=False)
    """The fast path for a decoded event of this kind: where it is true there is nothing to find in any part of the event."""
    one_form: Callable[[Json], Json] | None = field(repr=False)
    """Brings the values of an item to the schema's forms, in place; None where there is nothing to bring."""
    _fits: Callable[[Any], bool] = field(repr=False)
    _validate: Callable[[Any], Any] = field(repr=False)

    def misfits(self, item: Item, *, most: int = 5) -> Sequence[Misfit]:
        """Return what does not fit, at most this many; empty where the item fits."""
        if self._fits(item):
            return ()
        try:
            self._validate(item)
        except ValidationError as error:
            return explain(error, item)[:most]
        return ()


def compile_door(node: SchemaNode, *, name: str) -> RecordValidator:
    """Compile a schema whose top is an object."""
    builder = _Builder(node.defs)
    model = builder.model(node, name)
    validator = (
        TypeAdapter(builder.annotation(node, name)).validator if _rest_of(node) else model.__pydantic_validator__
    )
    fast_path, at_event = compile_fast_path(node, builder.check), compile_event_fast_path(name, node, builder.check)
    return RecordValidator(
        model, root_of(name, node), at_event, compile_one_form(node), fast_path, validator.validate_python
    )


def _rest_of(node: SchemaNode) -> bool:
    """Return whether the top says more than a model can."""
    return bool(node.any_of or node.ref or node.enum is not None or "const" in node.model_fields_set)


class _Builder:
    """Turns nodes into annotations. A definition is compiled when first needed, so that one may contain itself."""

    def __init__(self, defs: Mapping[str, SchemaNode]) -> None:
        self._defs = defs
        self._adapters: dict[str, TypeAdapter[Any]] = {}

    def annotation(self, node: SchemaNode, name: str) -> Any:
        """Return the annotation that admits what the node admits."""
        parts = [self._of_words(node, name)]
        if node.any_of:
            parts.append(_union([self.annotation(entry, f"{name}_{i}") for i, entry in enumerate(node.any_of, 1)]))
        if node.ref is not None:
            parts.append(self._reference(node.ref.removeprefix(REFERENCE)))
        meaning = [part for part in parts if part is not Any] or [Any]
        combined = meaning[0]
        for part in meaning[1:]:
            combined = Annotated[combined, BeforeValidator(_also(TypeAdapter(part)))]
        return self._listed(node, combined)

    def check(self, node: SchemaNode) -> Callable[[Any], Any]:
        """Return what raises ValueError for values that a part of the schema does not admit."""
        return TypeAdapter(self.annotation(node, "part")).validator.validate_python

    def model(self, node: SchemaNode, name: str) -> type[BaseModel]:
        """Return the model of an object."""
        fields: dict[str, Any] = {}
        extra = node.additional_properties
        other = extra if isinstance(extra, SchemaNode) else SchemaNode()
        known = dict(node.properties) | {key: other for key in node.required if key not in node.properties}
        for key, entry in known.items():
            kind = self.annotation(entry, f"{name}_{key}")
            attribute = _attribute(key, list(known))
            default: Any = ... if key in node.required else None
            alias = None if attribute == key else key
            fields[attribute] = (kind, Field(default, alias=alias, description=entry.description))
        config = ConfigDict(
            extra="ignore" if extra is True else "forbid", hide_input_in_errors=True, protected_namespaces=()
        )
        if isinstance(extra, SchemaNode):
            return create_model(name, __base__=_open_base(self.annotation(extra, f"{name}_other")), **fields)
        return create_model(name, __config__=config, **fields)

    def _of_words(self, node: SchemaNode, name: str) -> Any:
        if not node.model_fields_set - _SAY_NOTHING - {"any_of", "ref", "enum", "const"}:
            return Any
        types = _ALL_TYPES if node.type is None else (node.type,) if isinstance(node.type, str) else node.type
        return _union([self._of_type(kind, node, name) for kind in types])

    def _of_type(self, kind: str, node: SchemaNode, name: str) -> Any:
        match kind:
            case "null" | "boolean":
                return StrictBool if kind == "boolean" else None
            case "integer":
                return _union([_whole(node), _number(node, whole=True)])
            case "number":
                return _union([_whole(node), _number(node, whole=False)])
            case "string":
                return _text(node)
            case "array":
                return Annotated[list[self._items(node, name)], Field(strict=True)]  # type: ignore[misc]
        return self._object(node, name)

    def _items(self, node: SchemaNode, name: str) -> Any:
        return Any if node.items is None else self.annotation(node.items, f"{name}_item")

    def _object(self, node: SchemaNode, name: str) -> Any:
        if node.properties or node.required or node.additional_properties is not True:
            return self.model(node, name)
        return Annotated[dict[str, Any], Field(strict=True)]

    def _listed(self, node: SchemaNode, kind: Any) -> Any:
        listed = [node.enum] if node.enum is not None else []
        listed += [(node.const,)] if "const" in node.model_fields_set else []
        for values in listed:
            if node.type == "string" and kind == StrictStr and values and all(isinstance(v, str) for v in values):
                kind = Literal[values]
            else:
                kind = Annotated[kind, BeforeValidator(_one_of(values))]
        return kind

    def _reference(self, name: str) -> Any:
        def fits(value: Any) -> Any:
            try:
                return self._adapter(name).validator.validate_python(value)
            except ValidationError as error:
                raise _reference_error(error, value) from None

        return Annotated[Any, PlainValidator(fits)]

    def _adapter(self, name: str) -> TypeAdapter[Any]:
        if name not in self._adapters:
            self._adapters[name] = TypeAdapter(self.annotation(self._defs[name], name))
        return self._adapters[name]


def _union(kinds: Sequence[Any]) -> Any:
    if Any in kinds:
        return Any
    # A bare None would make the union optional, and then a misfit does not tell that null would have fitted.
    several = [_NULL if kind is None and len(kinds) > 1 else kind for kind in kinds]
    return Union[tuple(several)]  # noqa: UP007  # made of values


def _open_base(others: Any) -> type[BaseModel]:
    namespace = {
        "__module__": __name__,
        "__annotations__": {"__pydantic_extra__": dict[str, others]},
        "model_config": ConfigDict(extra="allow", hide_input_in_errors=True, protected_namespaces=()),
    }
    return type("Open", (BaseModel,), namespace)


def _attribute(key: str, known: Sequence[str]) -> str:
    """Return the Python name of a property: its own, where Python and pydantic leave it free."""
    if key.isidentifier() and not keyword.iskeyword(key) and not key.startswith("_") and not hasattr(BaseModel, key):
        return key
    number = known.index(key)
    while f"field_{number}" in known:
        number += len(known)
    return f"field_{number}"


def _whole(node: SchemaNode) -> Any:
    bounds = _bounds(node)
    if any(not isinstance(bound, int | None) for bound in (node.minimum, node.maximum)):
        # An int's own bounds must be integers; behind Any they are compared as Python compares numbers.
        bounds = [AfterValidator(_also(TypeAdapter(Annotated[Any, *bounds])))]
    return Annotated[int, Field(strict=True, ge=SMALLEST_INTEGER, le=LARGEST_INTEGER), *bounds]


def _number(node: SchemaNode, *, whole: bool) -> Any:
    return Annotated[float, PlainValidator(_is_whole if whole else _is_float), *_bounds(node)]


def _bounds(node: SchemaNode) -> list[Any]:
    return [Field(ge=node.minimum, le=node.maximum)] if node.minimum is not None or node.maximum is not None else []


def _is_float(value: Any) -> float:
    if type(value) is not float or not math.isfinite(value):
        raise PydanticCustomError("float_type", "expected a number")
    return value


def _is_whole(value: Any) -> float:
    if type(value) is not float or not value.is_integer() or not SMALLEST_INTEGER <= value < 2**63:
        raise PydanticCustomError("int_type", "expected a whole number of 64 bits")
    return value


def _text(node: SchemaNode) -> Any:
    checks: list[Any] = []
    if node.min_length is not None or node.max_length is not None:
        checks.append(Field(min_length=node.min_length, max_length=node.max_length))
    if node.format is not None and node.format in FORMATS:
        checks.append(AfterValidator(_formatted(node.format)))
    if node.pattern is not None:
        checks.append(AfterValidator(_matching(node.pattern)))
    return Annotated[StrictStr, *checks] if checks else StrictStr


def _formatted(name: str) -> Callable[[str], str]:
    fits, words = FORMATS[name].check, FORMATS[name].words

    def check(value: str) -> str:
        if not fits(value):
            raise PydanticCustomError("format", "{words}", {"words": f"is not a valid {words}"})
        return value

    return check


def _matching(pattern: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not matches_pattern(pattern, value):
            raise PydanticCustomError("pattern", "{words}", {"words": f"does not match the pattern {pattern}"})
        return value

    return check


def _one_of(values: Sequence[Json]) -> Callable[[Any], Any]:
    allowed = {frozen(value) for value in values}
    words = ", ".join("null" if value is None else str(value) for value in values)

    def check(value: Any) -> Any:
        if frozen(value) not in allowed:
            raise PydanticCustomError(
                "literal_error", "{words}", {"words": f"is not one of {words}", "expected": words}
            )
        return value

    return check


def frozen(value: Json) -> Any:
    """Return a hashable stand-in that is equal where JSON values are: 1 is 1.0, and neither is true."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, list):
        return ("array", *map(frozen, value))
    if isinstance(value, dict):
        return ("object", frozenset((key, frozen(entry)) for key, entry in value.items()))
    return value


def _also(adapter: TypeAdapter[Any]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        try:
            adapter.validator.validate_python(value)
        except ValidationError as error:
            raise _reference_error(error, value) from None
        return value

    return check


def _reference_error(error: ValidationError, value: Any) -> PydanticCustomError:
    """Wrap what a definition found, so that its places can be told from the top."""
    return PydanticCustomError("reference", "does not fit", {"inner": explain(error, value)})
