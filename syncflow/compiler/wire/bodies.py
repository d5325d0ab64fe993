"""Bodies compiled: a tree of YAML → one function that makes the JSON of a whole request.

Strings are expressions, ``{each: …}`` is a list with one entry for each record (of those that ``when`` beside it picks), ``{value: …}``
a constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from syncflow.compiler.expressions import Emitted, Emitter
from syncflow.compiler.expressions.ir import Collected, Field, Listing, Record, Truth, Value, Variable
from syncflow.compiler.expressions.truth import is_plain
from syncflow.compiler.languages.base import is_jinja
from syncflow.compiler.types.json import ANY, ARRAY, BOOLEAN, OBJECT, Array, Object, Type
from syncflow.compiler.wire.adapter_expressions import AdapterExpressions, Step
from syncflow.compiler.wire.plans import Body
from syncflow.config.scalars import Plain, resolve
from syncflow.frozen import value_class

_RECORDS: Final = "deliveries"
"""Under which name a request sees its records."""


def compile_body(node: Any, texts: AdapterExpressions, path: tuple[Step, ...], *, sees: Object) -> Body:
    """Compile a body into one function of the request's root."""
    emitter = Emitter(sees)
    body: Body = texts.made(emitter, path, _Tree(texts, emitter, emitter.root).emitted(node, path))
    return body


@value_class
class _Tree:
    """Adds the parts of a tree to one function. ``root``: that of the request or, within ``each``, of a record."""

    texts: AdapterExpressions
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
        if "each" in node and set(node) <= {"each", "when"}:
            return self._each(node["each"], (*path, "each"), node.get("when"))
        if "each" in node:
            hint = "put the list under a key of its own: {items: {each: …}}; only `when` stands beside it, which picks records"
            self.texts.wrong((*path, "each"), "each stands with other keys", hint=hint)
        entries = {str(name): self.emitted(child, (*path, name)).value for name, child in node.items()}
        return _made(self.emitter, Record(tuple(entries), tuple(entries.values()), type=OBJECT))

    def _each(self, node: Any, path: tuple[Step, ...], when: Any) -> Emitted:
        records = _records_of(self.root.type)
        if records is None:
            self.texts.wrong(path, "each stands within each", hint="one entry is made for each record of the request")
            return self.emitter.constant(None)
        pool = self.emitter.pool
        source = pool.one(Field(self.root, _RECORDS, type=records))
        record = pool.one(Variable("delivery", source, type=records.items))
        of_one = replace(self, root=record)
        conditions = () if when is None else (of_one.condition(when, (*path[:-1], "when")),)
        entry = of_one.emitted(node, path)
        every = Collected(record, source, conditions, entry.value, of_values=False, proven=True, type=ARRAY)
        return _made(self.emitter, every)

    def condition(self, node: Any, path: tuple[Step, ...]) -> Value:
        """Return whether a record is one of those that an ``each`` is for."""
        text = str(node) if isinstance(node, str) else ""
        if not text or is_jinja(text):
            self.texts.wrong(path, "a condition is written in JMESPath", hint="such as object == 'event'")
        emitted = self.emitted(node if text and not is_jinja(text) else None, path)
        return self.emitter.pool.one(Truth(emitted.value, is_plain(emitted.type), negated=False, type=BOOLEAN))


def _made(emitter: Emitter, value: Listing | Record | Collected) -> Emitted:
    return Emitted(emitter.pool.one(value), value.type)


def _records_of(root: Type) -> Array | None:
    records = root.property(_RECORDS) if isinstance(root, Object) else ANY
    return records if isinstance(records, Array) else None
