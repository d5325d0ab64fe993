"""A form that is written as one expression (``form: payload``): an object → the fields of a form-encoded body.

Null leaves a field out; booleans and numbers are written as JSON writes them; what is nested is named as most servers read it:
``address[city]``, ``tags[0]``.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncflow.compiler.wire.expression_input import as_text
from syncflow.compiler.wire.plans import Body, Renders, Root
from syncflow.errors import DataError
from syncflow.events import Json


def as_form(body: Body, *, place: str) -> Renders:
    """Return what makes the fields of a form from what ``body`` makes."""

    def fields(root: Root) -> dict[str, str]:
        made = body(root)
        if not isinstance(made, dict):
            raise DataError(f"{place}: a form is made of an object")
        return dict(pair for name, value in made.items() for pair in _pairs(name, value))

    return fields


def _pairs(name: str, value: Json) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for part, inner in value.items():
            yield from _pairs(f"{name}[{part}]", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _pairs(f"{name}[{index}]", inner)
    elif value is not None:
        yield name, as_text(value)
