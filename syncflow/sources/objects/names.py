"""Which objects are meant by a pattern: the last part of a name, or all of it where the pattern has a slash."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import translate

_ANY = "**"


def matcher(pattern: str) -> Callable[[str], bool]:
    """Return a test of names, relative to the address. ``**`` stands for any number of parts, none included."""
    parts = [part for part in pattern.split("/") if part]
    if len(parts) == 1 and "/" not in pattern and parts[0] != _ANY:
        last = re.compile(translate(parts[0]))
        return lambda name: last.match(name.rpartition("/")[2]) is not None
    compiled = tuple(None if part == _ANY else re.compile(translate(part)) for part in parts)
    return lambda name: _fits(compiled, name.split("/"))


def _fits(pattern: Sequence[re.Pattern[str] | None], parts: Sequence[str]) -> bool:
    """Compare part by part; ``ends`` are the places of the name up to which the pattern so far fits."""
    ends = {0}
    for part in pattern:
        if part is None:
            ends = set(range(min(ends), len(parts) + 1))
        else:
            ends = {end + 1 for end in ends if end < len(parts) and part.match(parts[end])}
        if not ends:
            return False
    return len(parts) in ends
