"""From offsets in the text of an expression to places in its file, for the nodes of generated code."""

from __future__ import annotations

from syncflow.compiler.expressions import Place
from syncflow.compiler.expressions.emitter import PlaceOf
from syncflow.config.diagnostics import Span


def place_within(span: Span) -> PlaceOf:
    """Return what places the parts of the scalar at ``span``."""

    def place(offset: int, length: int) -> Place:
        found = span.at(offset, length)
        return Place(found.line, found.column - 1, found.end_line, found.end_column - 1)

    return place
