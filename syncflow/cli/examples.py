"""What the help of each command shows as examples, read from ``examples.txt``; a test runs each of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final


def _read() -> dict[str, tuple[str, ...]]:
    """Return the examples of each command; a line of the file is ``COMMAND: EXAMPLE``."""
    found: dict[str, tuple[str, ...]] = {}
    for line in Path(__file__).with_name("examples.txt").read_text("utf-8").splitlines():
        name, _, example = line.partition(": ")
        found[name] = (*found.get(name, ()), example)
    return found


EXAMPLES: Final[Mapping[str, tuple[str, ...]]] = _read()
