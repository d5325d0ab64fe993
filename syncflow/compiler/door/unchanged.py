"""Unchanged paths: an event may say of single paths of its item that they did not change, without telling their values.

In: the list that an envelope found; later, earlier events of the same record, newest first. Out: the paths as steps, the item without them,
and the values that the newest earlier event told. A delete ends the search: what was before it belongs to a former life of the record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from syncflow.compiler.values import Fault, kind_of
from syncflow.events import Item, ItemPath, Json
from syncflow.patterns import lazy_pattern

_STEP = lazy_pattern(r'(?:"((?:[^"\\]|\\.)+)"|([^."\[\]]+))(?:\.|\Z)')


Steps: TypeAlias = Sequence[str | int | None]
"""A path of the root that an expression reads."""


class Earlier(NamedTuple):
    """What an earlier event of the record told.

    ``unchanged``: what it left out too; ``whole``: whether an absent path says that there is nothing.
    """

    item: Item
    unchanged: Sequence[ItemPath]
    whole: bool
    is_delete: bool


def paths_of(value: Json) -> tuple[ItemPath, ...]:
    """Return the paths that an event names: ``bio``, ``address.street``, ``item.bio``. Raises Fault for anything but such a list."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise _fault(f"expected a list of paths, found {kind_of(value)}")
    return tuple(dict.fromkeys(_path_of(entry) for entry in value))


def _path_of(entry: Json) -> ItemPath:
    if not isinstance(entry, str):
        raise _fault(f"expected paths as text, found {kind_of(entry)} among them")
    steps: list[str] = []
    end = 0
    while end < len(entry) and (step := _STEP.match(entry, end)):
        steps.append(re.sub(r"\\(.)", r"\1", step[1]) if step[1] else step[2])
        end = step.end()
    if end < len(entry) or not steps or entry.endswith("."):
        raise _fault("expected paths of properties, as bio or address.street")
    return tuple(steps[1:] if steps[0] == "item" and len(steps) > 1 else steps)


def _fault(words: str) -> Fault:
    return Fault("source", "envelope", f"envelope.unchanged: {words}")


def without(item: Item, paths: Iterable[ItemPath]) -> Item:
    """Return the item without what stands at these paths."""
    for path in paths:
        item = _without(item, path)
    return item


def _without(item: Item, path: ItemPath) -> Item:
    name, *inner = path
    if name not in item:
        return item
    found = item[name]
    if not inner:
        return {other: value for other, value in item.items() if other != name}
    return item | {name: _without(found, tuple(inner))} if isinstance(found, dict) else item


def completed(item: Item, paths: Sequence[ItemPath], earlier: Iterable[Earlier]) -> tuple[Item, tuple[ItemPath, ...]]:
    """Return the item with the newest known values, and the paths that no earlier event told."""
    missing = list(paths)
    for event in earlier:
        if event.is_delete or not missing:
            break
        left = []
        for path in missing:
            if any(is_one_line(path, other) for other in event.unchanged):
                left.append(path)
                continue
            value = _value_at(event.item, path)
            if value:
                item = _with(item, path, value[0])
            elif not event.whole:
                left.append(path)
        missing = left
    return item, tuple(missing)


def _value_at(item: Item, path: ItemPath) -> tuple[Json] | None:
    value: Json = item
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return (value,)


def _with(item: Item, path: ItemPath, value: Json) -> Item:
    name, *inner = path
    if not inner:
        return item | {name: value}
    found = item.get(name)
    return item | {name: _with(found if isinstance(found, dict) else {}, tuple(inner), value)}


def is_one_line(one: Sequence[object], other: Sequence[object]) -> bool:
    """Whether one of two paths lies within the other, or is it."""
    return all(a == b for a, b in zip(one, other, strict=False))


def is_excused(place: str, paths: Iterable[ItemPath]) -> bool:
    """Whether what does not fit at a place (``address.street``, empty: the item) may be so because paths are missing."""
    return any(_is_one_line_of_text(place, ".".join(path)) for path in paths)


def _is_one_line_of_text(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return not short or long == short or long.startswith((f"{short}.", f"{short}["))


def shown(paths: Iterable[Sequence[object]]) -> str:
    """Write paths for a person: ``item.bio and item.address.street``."""
    return " and ".join(sorted({".".join(("item", *map(str, path))) for path in paths}))


def read_among(reads: Iterable[Steps], unchanged: Iterable[ItemPath]) -> list[ItemPath]:
    """Return those of the paths that are read, as a whole or in part."""
    return [path for path in unchanged if any(is_one_line(read, ("item", *path)) for read in reads)]


def untold(paths: Sequence[ItemPath]) -> str:
    """Return why something cannot be made without these paths."""
    it = "it" if len(paths) == 1 else "them"
    return (
        f"reads {shown(paths)}, which the event leaves out as unchanged, and no earlier event in the journal tells {it}"
    )


def longest(reads: Iterable[Steps]) -> tuple[Steps, ...]:
    """Return the paths without those that only lead to longer ones."""
    found = list(dict.fromkeys(map(tuple, reads)))
    return tuple(
        read for read in found if not any(len(other) > len(read) and other[: len(read)] == read for other in found)
    )
