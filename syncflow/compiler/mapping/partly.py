"""What a mapping makes of an event that leaves unchanged paths out: the fields that need nothing of these.

In: which paths each field reads, and what makes a field alone. A field that reads nothing but unchanged paths is *left out*: what is there
stays. One that *mixes* them with others cannot be made. Nothing here is compiled or asked before an event leaves something out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

from syncflow.compiler.door.unchanged import Steps, is_one_line, read_among, untold
from syncflow.compiler.values import Fault
from syncflow.events import Change, Item, ItemPath, Json, Key
from syncflow.frozen import value_class

Root: TypeAlias = Mapping[str, Json]
Keyed: TypeAlias = tuple[Key, Item, tuple[str, ...]]


@value_class
class Partly:
    """A mapping, field by field. Pure, and safe to share."""

    key_names: tuple[str, ...]
    """What requests may call the key: the fields of which one is it, or the name of one that is no field."""
    reads: Mapping[str, Sequence[Steps]]
    """By field: the paths that it reads from the root, the longest ones alone."""
    is_partial: bool
    """Whether absent paths leave their fields out anyway (``items: partial``)."""
    keyed: Callable[[Root, Change, Collection[str]], Keyed]
    """(root, change, fields to leave out) → key, payload, and the fields that met an unreadable value. Raises Fault."""

    def of(self, root: Root, change: Change, unchanged: Sequence[ItemPath]) -> tuple[Keyed, tuple[str, ...]]:
        """Return what is made of an event that does not tell these paths, and the fields that are left out.

        Raises:
            Fault: the key or a field mixes them with others.
        """
        left_out = self.left_out(unchanged)
        for name, reads in self.reads.items():
            if name in left_out or not (found := read_among(reads, unchanged)):
                continue
            if not self.is_partial or name in self.key_names:
                raise Fault("mapping", "unchanged", f"{name}: {untold(found)}")
            left_out += (name,)
        return self.keyed(root, change, left_out), left_out

    def left_out(self, unchanged: Iterable[ItemPath]) -> tuple[str, ...]:
        """Return the fields that read nothing but these paths; never the key."""
        paths = [("item", *path) for path in unchanged]
        return tuple(
            name
            for name, reads in self.reads.items()
            if name not in self.key_names and reads and all(_is_within(read, paths) for read in reads)
        )


def _is_within(read: Steps, paths: Iterable[Steps]) -> bool:
    return any(len(read) >= len(path) and is_one_line(read, path) for path in paths)
