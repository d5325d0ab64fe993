"""Bodies compiled: a tree of YAML → one function that makes the JSON of a whole request.

Strings are expressions, ``{each: …}`` is a list with one entry for each record, ``{value: …}`` a constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from syncflow.compiler.code import Emitted, Emitter
from syncflow.compiler.code.values import Collected, Field, Listing, Record, Variable
from syncflow.compiler.types.json import ANY, ARRAY, OBJECT, Array, Object, Type
from syncflow.compiler.wire.plans import Body
from syncflow.compiler.wire.texts import Step, Texts
from syncflow.config.scalars import Plain, resolve
from syncflow.frozen import frozen_value

_RECORDS: Final = "deliveries"
"""Under which name a request sees its records."""


def compile_body(node: Any, texts: Texts, path: tuple[Step, ...], *, sees: Object) -> Body:
    """Compile a body into one function of the request's root."""
    emitter = Emitter(sees)
    body: Body = texts.made(emitter, path, _Tree(texts, emitter, emitter.root).emitted(node, path))
    return body


@frozen_value
class _Tree:
    """Adds the parts of a tree to one function. ``root``: that of the request or, within ``each``, of a record."""

    texts: Texts
    emitter: Emitter
    root: Variable

    def emitted(self, node: Any, path: tuple[Step, ...]) -> Emitted:
        if isinstance(node, Plain):
            node = resolve(node)
        if isinstance(node, str):
            add = partial(self.emitter.expression, node, over=self.root)
            return self.texts.added(self.emitter, path, add, self.root.type)
        if isinstance(node, Mapping):
            return self._mapping(node, path)
        if isinstance(node, Sequence):
            entries = [self.emitted(entry, (*path, index)) for index, entry in enumerate(node)]
            return _made(self.emitter, Listing(tuple(entry.value for entry in entries), type=ARRAY))
        return self.emitter.constant(node)

    def _mapping(self, node: Mapping[str, Any], path: tuple[Step, ...]) -> Emitted:
        if set(node) == {"value"}:
            return self.emitter.constant(resolve(node["value"]))
        if set(node) == {"each"}:
            return self._each(node["each"], (*path, "each"))
        if "each" in node:
            hint = "put the list under a key of its own: {items: {each: …}}"
            self.texts.wrong((*path, "each"), "each stands with other keys", hint=hint)
        entries = {str(name): self.emitted(child, (*path, name)).value for name, child in node.items()}
        return _made(self.emitter, Record(tuple(entries), tuple(entries.values()), type=OBJECT))

    def _each(self, node: Any, path: tuple[Step, ...]) -> Emitted:
        records = _records_of(self.root.type)
        if records is None:
            self.texts.wrong(path, "each stands within each", hint="one entry is made for each record of the request")
            return self.emitter.constant(None)
        pool = self.emitter.pool
        source = pool.one(Field(self.root, _RECORDS, type=records))
        record = pool.one(Variable("delivery", source, type=records.items))
        entry = replace(self, root=record).emitted(node, path)
        every = Collected(record, source, (), entry.value, of_values=False, proven=True, type=ARRAY)
        return _made(self.emitter, every)


def _made(emitter: Emitter, value: Listing | Record | Collected) -> Emitted:
    return Emitted(emitter.pool.one(value), value.type)


def _records_of(root: Type) -> Array | None:
    records = root.property(_RECORDS) if isinstance(root, Object) else ANY
    return records if isinstance(records, Array) else None
