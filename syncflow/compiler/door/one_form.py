"""One form for what is written in several: values of a schema are rewritten before any expression sees them.

Where the schema says ``integer``, 1042.0 and 1e3 become 1042 and 1000. Where it names a format of dates, times, decimals or booleans, the
forms in which programs write those become the format's own (``2024-01-15 10:30:00+00`` → ``2024-01-15T10:30:00+00:00``), and the words for
nothing (``NaT``, ``0000-00-00``) null, where null is admitted. A JSON number of the format ``decimal`` becomes its text.

In: a ``SchemaNode``. Out: a function that rewrites a decoded value in place, or None where the schema has nothing of this. It judges
nothing: a value that it cannot read stays as it is, for the door to refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from syncflow.compiler.forms.nothing import is_nothing
from syncflow.compiler.forms.numbers import plain_decimal
from syncflow.compiler.types.formats import FORMATS, Format
from syncflow.config.models.schema import SchemaNode
from syncflow.events import Json

Rewrite: TypeAlias = Callable[[Json], Json]

_REFERENCE = "#/$defs/"


def compile_one_form(node: SchemaNode) -> Rewrite | None:
    """Return what brings a value to the schema's forms; None where it has only one way to be written."""
    return _Compiler(node.defs).rewrite(node)


class _Compiler:
    """Compiles a definition when it is first needed, so that one may contain itself."""

    def __init__(self, defs: Mapping[str, SchemaNode]) -> None:
        self._defs = defs
        self._known: dict[str, Rewrite | None] = {}

    def rewrite(self, node: SchemaNode, *, takes_numbers: bool = False) -> Rewrite | None:
        """``takes_numbers``: another alternative takes numbers as they are."""
        parts = [self._scalar(node, takes_numbers=takes_numbers), self._object(node), self._array(node)]
        numbers = takes_numbers or any(map(_takes_numbers, node.any_of or ()))
        parts += [self.rewrite(entry, takes_numbers=numbers) for entry in node.any_of or ()]
        parts.append(None if node.ref is None else self._reference(node.ref.removeprefix(_REFERENCE)))
        return _in_turn([part for part in parts if part is not None])

    def _scalar(self, node: SchemaNode, *, takes_numbers: bool) -> Rewrite | None:
        types = (node.type,) if isinstance(node.type, str) else node.type or ()
        listed = [*(node.enum or ()), *([node.const] if "const" in node.model_fields_set else [])]
        untyped = node.type is None and any(type(value) is int for value in listed)
        whole = _whole if "integer" in types or untyped else None
        known = FORMATS.get(node.format or "") if not types or "string" in types else None
        written = None if known is None else _written(known, may_be_null="null" in types)
        counted = (
            _as_decimal if node.format == "decimal" and types and not (takes_numbers or _takes_numbers(node)) else None
        )
        return _in_turn([part for part in (whole, counted, written) if part is not None])

    def _object(self, node: SchemaNode) -> Rewrite | None:
        known = {name: self.rewrite(entry) for name, entry in node.properties.items()}
        fields = {name: rewrite for name, rewrite in known.items() if rewrite is not None}
        extra = node.additional_properties
        others = self.rewrite(extra) if isinstance(extra, SchemaNode) else None
        if not fields and others is None:
            return None

        def rewrite(value: Json) -> Json:
            if isinstance(value, dict):
                for name, entry in value.items():
                    change = fields.get(name) if name in known else others
                    if change is not None:
                        value[name] = change(entry)
            return value

        return rewrite

    def _array(self, node: SchemaNode) -> Rewrite | None:
        change = None if node.items is None else self.rewrite(node.items)
        if change is None:
            return None

        def rewrite(value: Json) -> Json:
            if isinstance(value, list):
                value[:] = map(change, value)
            return value

        return rewrite

    def _reference(self, name: str) -> Rewrite | None:
        if name not in self._known:
            self._known[name] = lambda value: inner(value) if (inner := self._known[name]) is not None else value
            self._known[name] = self.rewrite(self._defs[name]) if name in self._defs else None
        return self._known[name]


def _in_turn(parts: list[Rewrite]) -> Rewrite | None:
    if len(parts) < 2:
        return parts[0] if parts else None

    def rewrite(value: Json) -> Json:
        for part in parts:
            value = part(value)
        return value

    return rewrite


def _takes_numbers(node: SchemaNode) -> bool:
    types = (node.type,) if isinstance(node.type, str) else node.type
    return types is None or not {"number", "integer"}.isdisjoint(types)


def _as_decimal(value: Json) -> Json:
    """Write a JSON number as the decimal text that the schema asks for."""
    if value.__class__ is not int and value.__class__ is not float:
        return value
    made = plain_decimal(repr(value))
    return value if made is None else made


def _whole(value: Json) -> Json:
    if isinstance(value, float) and value.is_integer() and -(2**63) <= value < 2**63:
        return int(value)
    return value


def _written(known: Format, *, may_be_null: bool) -> Rewrite | None:
    """Return what makes a text one of the format; a text that is one, or cannot be made one, stays."""
    fits, read = known.check, known.read
    if read is None:
        return None

    def rewrite(value: Json) -> Json:
        if value.__class__ is not str or fits(value):
            return value
        if may_be_null and is_nothing(value):
            return None
        made = read(value)
        return made if made is not None and fits(made) else value

    return rewrite
