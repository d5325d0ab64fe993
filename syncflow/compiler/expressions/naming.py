"""Names of locals: after what they hold, never taken twice, always the same for the same values in the same order."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable
from typing import Final

from syncflow.compiler.expressions import ir
from syncflow.compiler.expressions.ir import Value

_LONGEST: Final = 40
_FORBIDDEN: Final = frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins)})


class Names:
    """Hands out unused names."""

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
        case ir.Variable() | ir.Field():
            return value.name
        case ir.Call():
            about = next((part for part in value.arguments if not isinstance(part, ir.Constant)), None)
            name = value.callee.name.removesuffix("_or_null")
            return name if about is None else f"{name}_{wish_for(about)}"
        case ir.Method():
            return f"{value.name}_{wish_for(value.of)}"
        case ir.Member():
            return f"{value.name}_{wish_for(next(value.of.parts))}"
        case ir.Element():
            return f"one_of_{wish_for(value.of)}"
        case ir.Part():
            return f"some_{wish_for(value.of)}"
        case ir.Collected():
            return f"{wish_for(value.result)}_list"
        case ir.Either() | ir.Both():
            return wish_for(value.left)
        case ir.Then():
            return wish_for(value.result)
        case ir.Choice():
            return wish_for(value.otherwise)
        case ir.Comparison() | ir.Truth() | ir.IsNull():
            return "answer"
        case ir.Listing():
            return "listing"
        case ir.Record():
            return "record"
        case ir.Joined():
            return "text"
    return "value"
