"""Compare what a test expects with what there is: a part of a value, or all of it.

In: two JSON values. Out: where they differ, each place with both sides in words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Literal, NamedTuple

from syncflow.events import Json

Path = tuple[str | int, ...]

NOTHING = "nothing"


class Mismatch(NamedTuple):
    """One place where what is expected is not what there is. ``path`` starts at the value compared, which is in ``of``."""

    path: Path
    expected: str
    found: str
    of: Literal["expect", "given"] = "expect"


def words(value: Json) -> str:
    """Write a value as JSON."""
    return json.dumps(value, ensure_ascii=False)


def compare(expected: Json, found: Json, *, exactly: bool = False, path: Path = ()) -> Iterator[Mismatch]:
    """Yield where ``found`` is not as expected. Of objects only the keys named are compared, unless ``exactly``; lists are
    compared whole, element by element."""
    if isinstance(expected, dict) and isinstance(found, dict):
        yield from _objects(expected, found, exactly=exactly, path=path)
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from compare(one, other, exactly=exactly, path=(*path, number))
    elif not _equal(expected, found):
        yield Mismatch(path, words(expected), words(found))


def _objects(expected: dict[str, Json], found: dict[str, Json], *, exactly: bool, path: Path) -> Iterator[Mismatch]:
    for name, value in expected.items():
        if name in found:
            yield from compare(value, found[name], exactly=exactly, path=(*path, name))
        else:
            yield Mismatch((*path, name), words(value), NOTHING)
    for name in found.keys() - expected.keys() if exactly else ():
        yield Mismatch((*path, name), NOTHING, words(found[name]))


def _equal(one: Json, other: Json) -> bool:
    """As JSON: 1 is 1.0, and neither is true."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other
