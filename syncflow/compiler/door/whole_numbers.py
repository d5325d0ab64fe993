"""Integers as integers: where a schema says ``integer``, 1042.0 and 1e3 become 1042 and 1000 before any expression sees them.

In: a ``SchemaNode``. Out: a function that rewrites a decoded value in place, or None where the schema has no integers. It judges
nothing: a value that is no whole number stays as it is, for the door to refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from syncflow.config.models.schema import SchemaNode
from syncflow.events import Json

Rewrite: TypeAlias = Callable[[Json], Json]

_REFERENCE = "#/$defs/"


def compile_whole_numbers(node: SchemaNode) -> Rewrite | None:
    """Return what writes the integers of a value as integers; None where nothing in the schema is one."""
    return _Compiler(node.defs).rewrite(node)


class _Compiler:
    """Compiles a definition when it is first needed, so that one may contain itself."""

    def __init__(self, defs: Mapping[str, SchemaNode]) -> None:
        self._defs = defs
        self._known: dict[str, Rewrite | None] = {}

    def rewrite(self, node: SchemaNode) -> Rewrite | None:
        parts = [self._scalar(node), self._object(node), self._array(node)]
        parts += [self.rewrite(entry) for entry in node.any_of or ()]
        parts.append(None if node.ref is None else self._reference(node.ref.removeprefix(_REFERENCE)))
        return _in_turn([part for part in parts if part is not None])

    def _scalar(self, node: SchemaNode) -> Rewrite | None:
        types = (node.type,) if isinstance(node.type, str) else node.type or ()
        listed = [*(node.enum or ()), *([node.const] if "const" in node.model_fields_set else [])]
        untyped = node.type is None and any(type(value) is int for value in listed)
        return _whole if "integer" in types or untyped else None

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


def _whole(value: Json) -> Json:
    if isinstance(value, float) and value.is_integer() and -(2**63) <= value < 2**63:
        return int(value)
    return value
