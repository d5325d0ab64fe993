"""What a run remembers beside the journal's positions. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Handed:
    """What a run has handed out already, kept over lost connections: it is under way, and is not read again."""

    keys: dict[str, tuple[int, Sequence[str], str]] = field(default_factory=dict)
    """By table: the offset and the key of the last row of the snapshot, and the evidence kept with it."""
    finished: set[str] = field(default_factory=set)
    """Tables whose rows have all been handed out."""
    start: str = ""
    """The evidence that says where the changes begin, once rows have been read."""
