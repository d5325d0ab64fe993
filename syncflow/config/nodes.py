"""A file as a tree of nodes: the data and the place of every key and value, from one reading.

Nodes are never changed after they are built and may be shared (an alias is the same node twice; a profile's overlay keeps the
nodes of the file it overlays), so a place stays right through merging and through the expansion of variables.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeAlias

from syncflow.config.diagnostics import FileText, ScalarSource, Span
from syncflow.config.scalars import Plain
from syncflow.frozen import value_class

Path: TypeAlias = "tuple[str | int, ...]"


class Mark(Protocol):
    """A point in a text, as the parser gives it: all three counted from 0."""

    @property
    def index(self) -> int: ...

    @property
    def line(self) -> int: ...

    @property
    def column(self) -> int: ...


@value_class
class Point:
    """A mark of our own."""

    index: int
    line: int
    column: int


_START = Point(0, 0, 0)


class Node:
    """Something in a file. ``weight`` is how many nodes it stands for once aliases are followed."""

    __slots__ = ("end", "file", "start", "weight")
    kind = "nothing"

    def __init__(self, file: FileText, start: Mark = _START, end: Mark = _START) -> None:
        self.file = file
        self.start = start
        self.end = end
        self.weight = 1

    @property
    def span(self) -> Span:
        return Span(self.file.name, *self._corners(), self.file)

    def _corners(self) -> tuple[int, int, int, int]:
        offset = 1 if self.file.text else 0
        return (self.start.line + offset, self.start.column + 1, self.end.line + offset, self.end.column + 1)

    @abstractmethod
    def data(self) -> Any:
        """Return the values, without their places."""


class ScalarNode(Node):
    """Text. ``value`` is Plain where it was unquoted; ``variables`` holds what each ``${…}`` in it gave."""

    __slots__ = ("style", "value", "variables")
    kind = "text"

    def __init__(
        self,
        file: FileText,
        value: Any,
        style: str = "",
        start: Mark = _START,
        end: Mark = _START,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.file = file  # as Node does; to call it takes longer, and files are mostly scalars
        self.start = start
        self.end = end
        self.weight = 1
        self.value = value
        self.style = style
        self.variables = variables

    @property
    def span(self) -> Span:
        corners = self._corners()
        if self.variables or not isinstance(self.value, str):
            return Span(self.file.name, *corners, self.file)
        return Span(
            self.file.name,
            *corners,
            self.file,
            ScalarSource(self.value, self.style, self.start.index, self.end.index),
        )

    def data(self) -> Any:
        return self.value


class SequenceNode(Node):
    __slots__ = ("items",)
    kind = "a list"

    def __init__(
        self, file: FileText, start: Mark = _START, end: Mark = _START, items: list[Node] | None = None
    ) -> None:
        super().__init__(file, start, end)
        self.items: list[Node] = items if items is not None else []

    def data(self) -> list[Any]:
        return [item.data() for item in self.items]


class Entry(NamedTuple):
    key: ScalarNode
    value: Node


class MappingNode(Node):
    __slots__ = ("entries",)
    kind = "a mapping"

    def __init__(
        self, file: FileText, start: Mark = _START, end: Mark = _START, entries: dict[str, Entry] | None = None
    ) -> None:
        super().__init__(file, start, end)
        self.entries: dict[str, Entry] = entries if entries is not None else {}

    def data(self) -> dict[str, Any]:
        return {key: entry.value.data() for key, entry in self.entries.items()}


def find(node: Node, path: Path) -> tuple[Node, ScalarNode | None, int]:
    """Go down ``path`` as far as it leads: the node reached, the key it stands under, and how many steps were taken."""
    key: ScalarNode | None = None
    for steps, step in enumerate(path):
        if isinstance(node, MappingNode) and str(step) in node.entries:
            key, node = node.entries[str(step)]
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.items):
            key, node = None, node.items[step]
        else:
            return node, key, steps
    return node, key, len(path)


def merge(base: Node, overlay: Node) -> Node:
    """Lay ``overlay`` over ``base``: mappings key by key, all else replaced. Both stay as they are."""
    if not isinstance(base, MappingNode) or not isinstance(overlay, MappingNode):
        return overlay
    entries = dict(base.entries)
    for name, entry in overlay.entries.items():
        known = entries.get(name)
        both = known is not None and isinstance(known.value, MappingNode) and isinstance(entry.value, MappingNode)
        key = (
            known.key if known is not None and both else entry.key
        )  # of what is laid together the first one tells the place
        entries[name] = Entry(key, merge(known.value, entry.value)) if known else entry
    return MappingNode(base.file, base.start, base.end, entries)


def without(node: MappingNode, *names: str) -> MappingNode:
    """Return the mapping without some of its keys."""
    return MappingNode(node.file, node.start, node.end, {k: e for k, e in node.entries.items() if k not in names})


def from_data(value: Any, file: FileText) -> Node:
    """Return a tree for data that Python code gave, without places in a text."""
    if isinstance(value, Mapping):
        return MappingNode(
            file, entries={str(k): Entry(ScalarNode(file, str(k)), from_data(v, file)) for k, v in value.items()}
        )
    if isinstance(value, list | tuple):
        return SequenceNode(file, items=[from_data(item, file) for item in value])
    return ScalarNode(file, value)


def scalars(node: Node, path: Path = ()) -> Iterator[tuple[Path, ScalarNode]]:
    """Yield every scalar with its path, in the file's order."""
    if isinstance(node, ScalarNode):
        yield path, node
    elif isinstance(node, MappingNode):
        for name, entry in node.entries.items():
            yield from scalars(entry.value, (*path, name))
    elif isinstance(node, SequenceNode):
        for index, item in enumerate(node.items):
            yield from scalars(item, (*path, index))


def dotted(path: Path) -> str:
    """Write a path as a person would: ``routes[0].table.lead``."""
    parts = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in path]
    return "".join(parts).lstrip(".")


def is_nothing(value: object) -> bool:
    """Whether a value was left empty or is an unquoted null."""
    return value is None or (isinstance(value, Plain) and value in {"", "null", "~"})
