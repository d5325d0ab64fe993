"""The kinds of argument: which values a parameter takes, and how a function reads them.

Text is generous: a number or a boolean is read as JSON writes it (1.0 as 1), so that ``truncate(item.number, `5`)`` does what it
looks like. Everything else is strict: the text "5" is no number (``to_decimal`` makes it one).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Final

from syncflow.compiler.types.json import (
    ABSENT,
    ANY,
    ARRAY,
    BOOLEAN,
    INTEGER,
    LARGEST_INTEGER,
    NUMBER,
    OBJECT,
    SMALLEST_INTEGER,
    TEXT,
    Type,
    union,
)
from syncflow.compiler.types.narrowing import absent_as_null, restrict
from syncflow.events import Json
from syncflow.frozen import value_class


class Misfit(Enum):
    """What reading a value of another kind gives."""

    MISFIT = "misfit"


MISFIT: Final = Misfit.MISFIT

MOST_CHARACTERS: Final = 1_000_000
"""No text that a function makes is longer; the rest is cut off."""


@value_class
class Kind:
    """``read`` returns the value as the function takes it, or MISFIT. With ``takes_null``, null and absent are values
    like any other."""

    name: str
    accepts: Type
    read: Callable[[Json], Any]
    takes_null: bool = False

    def restrict(self, argument: Type) -> Type:
        """Return the type of those values of ``argument`` that the function gets to see."""
        if not self.takes_null:
            return restrict(argument, self.accepts)
        return restrict(absent_as_null(argument), self.accepts)


def _read_text(value: Json) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    number = _read_number(value)
    if isinstance(number, float) and number.is_integer() and SMALLEST_INTEGER <= number < 2**63:
        return repr(int(number))
    return MISFIT if number is MISFIT else repr(number)


def _read_number(value: Json) -> Any:
    if isinstance(value, bool):
        return MISFIT
    if isinstance(value, int):
        return value if SMALLEST_INTEGER <= value <= LARGEST_INTEGER else MISFIT
    return value if isinstance(value, float) and value - value == 0 else MISFIT


def _read_integer(value: Json) -> Any:
    number = _read_number(value)
    if isinstance(number, float):
        return int(number) if number.is_integer() and SMALLEST_INTEGER <= number < 2**63 else MISFIT
    return number


def _read_boolean(value: Json) -> Any:
    return value if isinstance(value, bool) else MISFIT


def _read_array(value: Json) -> Any:
    return value if isinstance(value, list) else MISFIT


def _read_object(value: Json) -> Any:
    return value if isinstance(value, dict) else MISFIT


def _read_anything(value: Json) -> Any:
    return value


TEXT_KIND: Final = Kind("text", union(TEXT, NUMBER, BOOLEAN), _read_text)
NUMBER_KIND: Final = Kind("number", NUMBER, _read_number)
INTEGER_KIND: Final = Kind("integer", INTEGER, _read_integer)
BOOLEAN_KIND: Final = Kind("boolean", BOOLEAN, _read_boolean)
ARRAY_KIND: Final = Kind("array", ARRAY, _read_array)
OBJECT_KIND: Final = Kind("object", OBJECT, _read_object)
ANYTHING_KIND: Final = Kind("anything", union(ANY, ABSENT), _read_anything, takes_null=True)
