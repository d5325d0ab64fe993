"""Unreadable values: there, but a conversion cannot read them. Neither absent nor null.

A conversion returns null for one, so that expressions treat it as nothing, and leaves a note that it met one. Nothing else is done
while code runs; code that cares looks at ``NOTES.any`` afterwards, and evaluates the expression again with ``tracing`` to learn which
conversions met one, and where. Notes belong to a thread, and hold no text of the value unless somebody traces.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from syncflow.compiler.forms.nothing import is_nothing
from syncflow.events import Json

__all__ = ["NOTES", "Unreadable", "is_nothing", "note", "noting", "tracing"]

_KINDS: Final = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}


class Unreadable(NamedTuple):
    """One value that a conversion could not read."""

    function: str
    value: Json

    @property
    def why(self) -> str:
        """Say which function could not read what kind of value; never its text."""
        kind = f"text of {len(self.value)} characters" if isinstance(self.value, str) else _KINDS[type(self.value)]
        if self.function == "table":
            return f"the table has no entry for the value ({kind})"
        return f"{self.function}() cannot read the value ({kind})"


class _Notes(threading.local):
    """``any``: an unreadable value was met since this was last set to False."""

    any: bool = False
    traced: list[Unreadable] | None = None


NOTES: Final = _Notes()


def note(function: str, value: Json) -> None:
    """Note that a function could not read a value that is there."""
    NOTES.any = True
    if NOTES.traced is not None:
        NOTES.traced.append(Unreadable(function, value))


@contextmanager
def tracing() -> Iterator[list[Unreadable]]:
    """Collect what is met in this thread while the context lasts; nothing is left noted afterwards."""
    outer, found = NOTES.traced, list[Unreadable]()
    NOTES.traced = found
    try:
        yield found
    finally:
        NOTES.traced, NOTES.any = outer, False


def noting(function: str, call: Callable[..., Any], *, values: int = 1) -> Callable[..., Any]:
    """Return ``call`` with a note where it returns null although its first ``values`` arguments are there."""

    def noted(value: Json, *others: Json) -> Any:
        result = call(value, *others)
        if result is None and not is_nothing(value) and None not in others[: values - 1]:
            note(function, value)
        return result

    return noted
