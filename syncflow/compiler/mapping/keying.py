"""How a mapping's key is told: from the payload, from an item of which nothing is known (a delete), or by an expression of its own.

In: what the mapping says of its ``key``. Out: a ``Keying``. Where several fields may be the key it is the first that has a value; the
key is written in the payload as requests are addressed by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import TypeAlias

from syncflow.compiler.expressions import Generated
from syncflow.compiler.values import text_of_id
from syncflow.errors import DataError
from syncflow.events import Item, Json, Key
from syncflow.frozen import value_class

Root: TypeAlias = Mapping[str, Json]
Tidy: TypeAlias = Callable[[str], str] | None
"""Writes a key as it is sent; None: as it is."""

_new_key = tuple.__new__


@value_class
class Keying:
    """The two ways to a record's key. The value is empty where none can be told."""

    of_root: Callable[[Root], Key] = field(repr=False)
    """From an event alone, which may be that of a delete."""
    of_payload: Callable[[Root, Item], Key] = field(repr=False)
    """From an event and the payload that was made of it, in which the key is written as it is sent."""


def compile_keying(made: Sequence[tuple[str, Generated, Tidy]], *, is_own: bool) -> Keying:
    """``made``: by name, the preferred first: what makes the key from an event, and how it is written. ``is_own``: it is no field."""
    alone = [(name, _alone(name, function, tidy)) for name, function, tidy in made]
    if len(alone) > 1:
        names = tuple((name, tidy) for name, _, tidy in made)
        return Keying(_first(tuple(read for _, read in alone)), lambda _, payload: _first_in(payload, names))
    [(name, of_root)] = alone
    return Keying(of_root, (lambda root, _: of_root(root)) if is_own else _one(name, made[0][2], of_root))


def _alone(name: str, function: Generated, tidy: Tidy) -> Callable[[Root], Key]:
    make = function.call

    def key(root: Root) -> Key:
        try:
            text = text_of_id(make(root)) or ""
        except DataError:
            return Key(name, "")
        return Key(name, text if tidy is None else tidy(text))

    return key


def _first(readers: Sequence[Callable[[Root], Key]]) -> Callable[[Root], Key]:
    def key(root: Root) -> Key:
        for read in readers:
            found = read(root)
            if found.value:
                return found
        return found

    return key


def _one(name: str, tidy: Tidy, of_root: Callable[[Root], Key]) -> Callable[[Root, Item], Key]:
    def key(root: Root, payload: Item) -> Key:
        value = payload.get(name)
        if value.__class__ is not str:
            _write_whole(payload, name)
            return of_root(root)
        assert isinstance(value, str)
        if tidy is not None and (written := tidy(value)) is not value:
            value = payload[name] = written
        # A NamedTuple's own constructor takes twice the time.
        return _new_key(Key, (name, value))

    return key


def _first_in(payload: Item, names: Sequence[tuple[str, Tidy]]) -> Key:
    for name, tidy in names:
        value = payload.get(name)
        if tidy is not None and isinstance(value, str):
            value = payload[name] = tidy(value)
        if text := text_of_id(value):
            _write_whole(payload, name)
            return Key(name, text)
    return Key(names[0][0], "")


def _write_whole(payload: Item, name: str) -> None:
    """Let a key that came as 5.0 leave as 5: as text it must be what requests are addressed by."""
    key = payload.get(name)
    if isinstance(key, float) and key.is_integer():
        payload[name] = int(key)
