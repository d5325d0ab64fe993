"""The routes of a project as a picture: sources, records, routes and systems in four columns, and lines between them. Pure.

All lengths are CSS pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from syncflow.site.facts import SiteFacts

BOX_WIDTH, BOX_HEIGHT = 220, 46
COLUMN, ROW = 300, 62
MARGIN = 8
MOST_LETTERS = 26
"""Letters of a name that fit into a box."""


@dataclass(frozen=True, slots=True)
class Box:
    """One thing of the project. ``page``: the kind of its page, and ``name`` what is told there."""

    page: str
    name: str
    below: str
    x: int
    y: int

    @property
    def shown(self) -> str:
        """The name, shortened in its middle where it is too long for the box."""
        if len(self.name) <= MOST_LETTERS:
            return self.name
        half = MOST_LETTERS // 2
        return f"{self.name[: half - 1]}…{self.name[-half:]}"


@dataclass(frozen=True, slots=True)
class Line:
    """From the right side of one box to the left side of another."""

    start: tuple[int, int]
    end: tuple[int, int]

    @property
    def path(self) -> str:
        """The line as the ``d`` of an SVG path."""
        (x, y), (to_x, to_y) = self.start, self.end
        middle = (x + to_x) // 2
        return f"M{x} {y} C{middle} {y} {middle} {to_y} {to_x} {to_y}"


@dataclass(frozen=True, slots=True)
class Drawing:
    width: int
    height: int
    boxes: Sequence[Box]
    lines: Sequence[Line]


def drawn(facts: SiteFacts) -> Drawing:
    """Return the picture of a project."""
    columns: list[list[tuple[str, str, str]]] = [
        [("sources", each.name, each.kind if each.kind != each.name else "") for each in facts.sources],
        [("records", each.name, f"{len(each.properties)} properties") for each in facts.records],
        [("mappings", each.name, each.rule) for each in facts.routes],
        [("systems", each.name, each.adapter if each.adapter != each.name else "") for each in facts.systems],
    ]
    most = max((len(column) for column in columns), default=0)
    height = most * ROW
    boxes = [
        Box(page, name, below, MARGIN + number * COLUMN, MARGIN + (height - len(column) * ROW) // 2 + index * ROW)
        for number, column in enumerate(columns)
        for index, (page, name, below) in enumerate(column)
    ]
    placed = {(box.page, box.name): box for box in boxes}
    pairs = [
        *((("sources", source.name), ("records", record.name)) for source in facts.sources for record in facts.records),
        *((("records", route.kind), ("mappings", route.name)) for route in facts.routes),
        *((("mappings", route.name), ("systems", route.system)) for route in facts.routes),
    ]
    return Drawing(
        width=2 * MARGIN + 3 * COLUMN + BOX_WIDTH,
        height=2 * MARGIN + max(height - (ROW - BOX_HEIGHT), BOX_HEIGHT),
        boxes=boxes,
        lines=[_line(placed[start], placed[end]) for start, end in pairs if start in placed and end in placed],
    )


def _line(start: Box, end: Box) -> Line:
    half = BOX_HEIGHT // 2
    return Line((start.x + BOX_WIDTH, start.y + half), (end.x, end.y + half))
