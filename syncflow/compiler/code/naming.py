"""Names of locals: after what they hold, never taken twice, always the same for the same values in the same order."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable
from typing import Final

from syncflow.compiler.code import values
from syncflow.compiler.code.values import Value

_LONGEST: Final = 40
_FORBIDDEN: Final = frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins)})


class Names:
    """Hands out names that nobody else has."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken) | _FORBIDDEN

    def fresh(self, wish: str) -> str:
        """Return ``wish`` as an identifier, with a number behind it where it is taken."""
        base = identifier(wish)
        name, number = base, 2
        while name in self._taken:
            name, number = f"{base}_{number}", number + 1
        self._taken.add(name)
        return name


def identifier(text: str) -> str:
    """Return the text as an identifier of ASCII letters, digits and single underscores."""
    words = re.sub(r"[^A-Za-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text[:_LONGEST])).strip("_").lower()
    return f"value_{words}".rstrip("_") if not words or words[0].isdecimal() else words


def wish_for(value: Value) -> str:  # noqa: PLR0911, PLR0912  # one line a shape
    """Say what a value is about, in a word or two."""
    match value:
        case values.Variable() | values.Field():
            return value.name
        case values.Call():
            about = next((part for part in value.arguments if not isinstance(part, values.Constant)), None)
            name = value.callee.name.removesuffix("_or_null")
            return name if about is None else f"{name}_{wish_for(about)}"
        case values.Method():
            return f"{value.name}_{wish_for(value.of)}"
        case values.Member():
            return f"{value.name}_{wish_for(next(value.of.parts))}"
        case values.Element():
            return f"one_of_{wish_for(value.of)}"
        case values.Part():
            return f"some_{wish_for(value.of)}"
        case values.Collected():
            return f"{wish_for(value.result)}_list"
        case values.Either() | values.Both():
            return wish_for(value.left)
        case values.Then():
            return wish_for(value.result)
        case values.Choice():
            return wish_for(value.otherwise)
        case values.Comparison() | values.Truth() | values.IsNull():
            return "answer"
        case values.Listing():
            return "listing"
        case values.Record():
            return "record"
        case values.Joined():
            return "text"
    return "value"
