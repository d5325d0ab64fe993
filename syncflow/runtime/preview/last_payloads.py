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


class LastPayloads:
    """By record and route; a payload is told as its values are compared."""

    def __init__(self) -> None:
        self._kept: dict[Place, tuple[tuple[str, ...], array[int]]] = {}
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}

    def __contains__(self, place: Place) -> bool:
        return place in self._kept

    def put(self, place: Place, comparable: Item, *, is_partial: bool = False) -> None:
        """Remember what was sent; a partial payload leaves the other fields as they were."""
        marks = {name: _mark(value) for name, value in comparable.items()}
        if is_partial and (before := self._kept.get(place)) is not None:
            marks = dict(zip(*before, strict=True)) | marks
        names = tuple(marks)
        self._kept[place] = self._names.setdefault(names, names), array("q", marks.values())

    def forget(self, place: Place) -> None:
        self._kept.pop(place, None)

    def differences(self, place: Place, comparable: Item, *, key: str) -> Differences:
        """Return which fields differ from what was sent last; the field ``key`` is compared as a key, elsewhere."""
        kept = self._kept.get(place)
        if kept is None:
            return Differences((), tuple(name for name in comparable if name != key))
        before: Mapping[str, int] = dict(zip(*kept, strict=True))
        return Differences(
            tuple(name for name, value in comparable.items() if name != key and before.get(name) != _mark(value)), ()
        )


def _mark(value: Json) -> int:
    """Return a number that is the same for equal values, and almost surely another for others; true is not 1."""
    if isinstance(value, str | float) or value is None:
        return hash(value)
    return hash(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
