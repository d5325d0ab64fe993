"""What a route last sent of a record, for routes that keep no Sent: which fields of the next payload differ.

Kept are numbers made of the values, not the values: 8 bytes a field. They hold for one process only.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import NamedTuple

import orjson

from syncflow.events import Item, Json, Record

Place = tuple[Record, str]
"""A record at a route."""


class Differences(NamedTuple):
    """Fields of a payload beside what was sent before."""

    changed: tuple[str, ...]
    unknown: tuple[str, ...]
    """Fields of which it is not known what was sent before."""
    before: int = 0
    """The journaled delivery whose payload it was compared with; 0 where it was another."""


class PayloadDigests(NamedTuple):
    """A payload as its values are compared: the names of its fields, and a number for each value."""

    names: tuple[str, ...]
    marks: array[int]


class LastPayloads:
    """By record and route."""

    def __init__(self) -> None:
        self._kept: dict[Place, PayloadDigests] = {}
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}

    def __contains__(self, place: Place) -> bool:
        return place in self._kept

    def told(self, comparable: Item) -> PayloadDigests:
        """Return what is kept of a payload, whose values are told as they are compared."""
        names = tuple(comparable)
        marks = [hash(value) if value.__class__ in _HASHED else _mark(value) for value in comparable.values()]
        return PayloadDigests(self._names.setdefault(names, names), array("q", marks))

    def put(self, place: Place, told: PayloadDigests, *, is_partial: bool = False) -> None:
        """Remember what was sent; a partial payload leaves the other fields as they were."""
        if is_partial and (before := self._kept.get(place)) is not None:
            marks = dict(zip(*before, strict=True)) | dict(zip(*told, strict=True))
            names = tuple(marks)
            told = PayloadDigests(self._names.setdefault(names, names), array("q", marks.values()))
        self._kept[place] = told

    def forget(self, place: Place) -> None:
        self._kept.pop(place, None)

    def differences(self, place: Place, told: PayloadDigests, *, key: str) -> Differences:
        """Return which fields differ from what was sent last; the field ``key`` is compared as a key, elsewhere."""
        kept = self._kept.get(place)
        if kept is None:
            return Differences((), tuple(name for name in told.names if name != key))
        if kept.names is told.names:
            if kept.marks == told.marks:
                return _NOTHING
            each = zip(told.names, kept.marks, told.marks, strict=True)
            return Differences(tuple(name for name, old, new in each if old != new and name != key), ())
        before: Mapping[str, int] = dict(zip(*kept, strict=True))
        fields = zip(*told, strict=True)
        return Differences(tuple(name for name, mark in fields if name != key and before.get(name) != mark), ())


_NOTHING = Differences((), ())
_HASHED = frozenset({str, float, type(None)})


def _mark(value: Json) -> int:
    """Return a number that is the same for equal values, and almost surely another for others; true is not 1."""
    if isinstance(value, str | float) or value is None:
        return hash(value)
    return hash(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
