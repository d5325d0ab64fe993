"""Readers of answers compiled: one function takes all that it needs from an element."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from syncflow.compiler.code import Emitted, Emitter
from syncflow.compiler.code.analysis import may_raise
from syncflow.compiler.code.values import Field
from syncflow.compiler.languages.base import is_jinja
from syncflow.compiler.types import ANY, Type
from syncflow.compiler.wire.plans import ReadElement, ReaderPlan, Value
from syncflow.compiler.wire.texts import Step, Texts
from syncflow.config.models.adapter import Reader
from syncflow.errors import DataError
from syncflow.events import Item, Json

_SUBJECT: Final = ("match", "ok", "vendor_id")
_COMPLAINT: Final = ("code", "message")


def compile_reader(reader: Reader, texts: Texts, path: tuple[Step, ...]) -> ReaderPlan:
    """Compile how one list of an answer is read."""
    by_index = reader.match == "index"
    return ReaderPlan(
        each=texts.value(reader.each, *path, "each"),
        by_index=by_index,
        with_=texts.value(reader.with_, *path, "with", sees=texts.sight.record),
        says_ok=reader.ok is not None,
        identifies=reader.vendor_id is not None,
        subject=_compile_parts(reader, _SUBJECT[by_index:], texts, path),
        complaint=_compile_parts(reader, _COMPLAINT, texts, path),
        place=texts.place(*path),
    )


def _compile_parts(reader: Reader, names: tuple[str, ...], texts: Texts, path: tuple[Step, ...]) -> ReadElement:
    """Return what takes these parts from an element: null for what is not read, or cannot be."""
    given: dict[str, str | None] = {name: getattr(reader, name) for name in names}
    wanted = {name: text for name, text in given.items() if text is not None}
    within = _Within(texts, path, in_jinja=any(map(is_jinja, wanted.values())))
    together, alone = Emitter(within.sees), dict[str, Value]()
    for name in names:
        emitted = within.added(together, name, wanted[name]) if name in wanted else together.constant(None)
        if may_raise(emitted.value):  # what fails must not take the others with it
            alone[name] = within.compiled(name, wanted[name])
        else:
            together.field(name, emitted)
    take = texts.made(together, path)
    if within.in_jinja:
        return lambda element, root: _taken(take, alone, {**root, "element": element})
    if alone:
        return lambda element, _: _taken(take, alone, element)
    return lambda element, _: take(element)


@dataclass(frozen=True, slots=True)
class _Within:
    """Compiles what reads an element: it is the root of JMESPath, and what Jinja sees as ``element``."""

    texts: Texts
    path: tuple[Step, ...]
    in_jinja: bool

    @property
    def sees(self) -> Type:
        return self.texts.sight.element if self.in_jinja else ANY

    def added(self, emitter: Emitter, name: str, text: str) -> Emitted:
        path = (*self.path, name)
        if is_jinja(text):
            return self.texts.added(emitter, path, partial(emitter.template, text), self.sees)
        element = Field(emitter.root, "element") if self.in_jinja else emitter.root
        return self.texts.added(emitter, path, partial(emitter.expression, text, over=element), ANY)

    def compiled(self, name: str, text: str) -> Value:
        emitter = Emitter(self.sees)
        return self.texts.made(emitter, (*self.path, name), self.added(emitter, name, text))


def _taken(take: Callable[[Json], Item], alone: Mapping[str, Value], root: Json) -> Item:
    found = take(root)
    for name, value in alone.items():
        try:
            found[name] = value(root)
        except DataError:
            found[name] = None
    return found
