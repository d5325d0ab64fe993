"""Numbers: reading, rounding, writing, arithmetic. Exact in decimal, so that 0.1 + 0.2 is 0.3.

Where everything that goes in is whole, so is what comes out; null where it does not fit into 64 bits, or is not finite.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal

from syncflow.compiler.forms.booleans import read_boolean
from syncflow.compiler.forms.numbers import as_number, read_decimal
from syncflow.compiler.functions.function import Group
from syncflow.compiler.functions.idle import crossed
from syncflow.compiler.functions.kinds import NUMBER_KIND
from syncflow.compiler.functions.parameters import anything, array, integer, number, text
from syncflow.compiler.functions.rules import least, most, text_up_to
from syncflow.compiler.types.json import (
    BOOLEAN,
    INTEGER,
    LARGEST_INTEGER,
    NUMBER,
    SMALLEST_INTEGER,
    Integer,
    Number,
    Text,
    Type,
    is_subtype,
    longest,
    nullable,
    union,
)
from syncflow.events import Json

GROUP = Group("numbers", "Numbers")

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP, traps=[])
_MOST_DIGITS = 15
_TOO_LARGE = Decimal("1e19")
"""No 64-bit integer has more than 19 digits; written out, larger numbers are nobody's amount of anything."""


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value))


def _whole(value: Decimal) -> int | None:
    """Return a whole number of 64 bits, else None."""
    return int(value) if value.is_finite() and SMALLEST_INTEGER <= value <= LARGEST_INTEGER else None


def _is_whole(value: float) -> bool:
    return isinstance(value, int) or (value.is_integer() and SMALLEST_INTEGER <= value <= LARGEST_INTEGER)


def _range(lowest: float | None, highest: float | None) -> Type:
    """Return the integers between two bounds, null too where they may leave 64 bits."""
    if lowest is None or highest is None or lowest < SMALLEST_INTEGER or highest > LARGEST_INTEGER:
        return nullable(INTEGER)
    return Integer(int(lowest), int(highest))


def _of_corners(compute: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Type, Type], Type]:
    """The extremes of a sum, a difference and a product are those of the arguments' extremes."""

    def rule(one: Type, other: Type) -> Type:
        if not is_subtype(union(one, other), INTEGER):
            return nullable(NUMBER)
        ends = [least(one), most(one), least(other), most(other)]
        if None in ends:
            return nullable(INTEGER)
        corners = [compute(Decimal(a or 0), Decimal(b or 0)) for a, b in itertools.product(ends[:2], ends[2:])]
        return _range(int(min(corners)), int(max(corners)))

    return rule


def _arithmetic(
    name: str, summary: str, compute: Callable[[Decimal, Decimal], Decimal], *examples: tuple[Json, ...]
) -> None:
    def body(one: float, other: float) -> int | float | None:
        result = compute(_decimal(one), _decimal(other))
        return _whole(result) if _is_whole(one) and _is_whole(other) else as_number(result)

    GROUP.function(name, summary, number(), number("other"), returns=_of_corners(compute), examples=examples)(body)


_arithmetic("add", "Add two numbers.", _EXACT.add, (1, 2, 3), (0.1, 0.2, 0.3))
_arithmetic("subtract", "Subtract the second number from the first.", _EXACT.subtract, (1, 0.9, 0.1))
_arithmetic("multiply", "Multiply two numbers.", _EXACT.multiply, (1.1, 3, 3.3))


@GROUP.function(
    "divide",
    "Divide the first number by the second; null by zero.",
    number(),
    number("by"),
    returns=nullable(NUMBER),
    examples=[(7, 2, 3.5), (6, 2, 3), (1, 0, None)],
)
def _divide(value: float, by: float) -> int | float | None:
    return as_number(_EXACT.divide(_decimal(value), _decimal(by)))


def _integer_near(value: Type) -> Type:
    """Return the type of a number moved to a whole one next to it."""
    if is_subtype(value, INTEGER):
        return value
    lowest, highest = least(value), most(value)
    return _range(None if lowest is None else lowest - 1, None if highest is None else highest + 1)


def _stepped(value: float, rounding: str) -> int | None:
    return _whole(_decimal(value).to_integral_value(rounding))


def _rounded(value: Type, digits: Type) -> Type:
    if least(digits) == most(digits) == 0:
        return _integer_near(value)
    return NUMBER if (least(digits) or 0) > 0 else nullable(NUMBER)


@GROUP.function(
    "round",
    "Round a number to N digits after the point (at most 15); a half goes away from zero.",
    number(),
    integer("digits", default=0),
    returns=_rounded,
    examples=[(2.5, 3), (-2.5, -3), (2.675, 2, 2.68), (1234, -2, 1200)],
)
def _round(value: float, digits: int) -> int | float | None:
    places = max(-_MOST_DIGITS, min(digits, _MOST_DIGITS))
    exact = _decimal(value)
    if places > 0:
        return value if abs(exact) > _TOO_LARGE else as_number(_EXACT.quantize(exact, Decimal(1).scaleb(-places)))
    step = Decimal(1).scaleb(-places)
    return _whole((exact / step).to_integral_value(ROUND_HALF_UP) * step) if abs(exact) < _TOO_LARGE else None


@GROUP.function(
    "floor",
    "Take the largest whole number that is not larger.",
    number(),
    returns=_integer_near,
    examples=[(2.9, 2), (-2.1, -3)],
)
def _floor(value: float) -> int | None:
    return _stepped(value, ROUND_FLOOR)


@GROUP.function(
    "ceil",
    "Take the smallest whole number that is not smaller.",
    number(),
    returns=_integer_near,
    examples=[(2.1, 3), (-2.9, -2)],
)
def _ceil(value: float) -> int | None:
    return _stepped(value, ROUND_CEILING)


@GROUP.function(
    "abs",
    "Take a number without its sign.",
    number(),
    returns=lambda value: nullable(Integer(0)) if is_subtype(value, INTEGER) else nullable(Number(0)),
    examples=[(-2.5, 2.5), (3, 3)],
)
def _abs(value: float) -> int | float | None:
    size = abs(value)
    return size if size <= LARGEST_INTEGER or not _is_whole(value) else None


def _clamped(value: Type, lowest: Type, highest: Type) -> Type:
    whole = is_subtype(union(value, lowest, highest), INTEGER)
    bounds = (
        least(lowest),
        None if most(highest) is None or most(lowest) is None else max(most(highest) or 0, most(lowest) or 0),
    )
    return (
        Integer(*bounds)
        if whole
        else Number(None if bounds[0] is None else bounds[0] - 1, None if bounds[1] is None else bounds[1] + 1)
    )


@GROUP.function(
    "clamp",
    "Take a number, or the bound it exceeds; where the bounds cross, the lower one.",
    number(),
    number("least"),
    number("most"),
    returns=_clamped,
    idle=crossed,
    examples=[(150, 0, 100, 100), (-1, 0, 100, 0), (50, 0, 100, 50)],
)
def _clamp(value: float, lowest: float, highest: float) -> float:
    return max(lowest, min(value, highest))


@GROUP.function(
    "sum",
    "Add the numbers of an array; null where it holds anything else.",
    array(),
    returns=nullable(NUMBER),
    examples=[([0.1, 0.2, 3], 3.3), ([], 0), ([1, "2"], None)],
)
def _sum(values: list[Json]) -> int | float | None:
    numbers = [NUMBER_KIND.read(value) for value in values]
    if not all(isinstance(value, int | float) for value in numbers):
        return None
    total = Decimal(0)
    for value in numbers:
        total = _EXACT.add(total, _decimal(value))
    return as_number(total)


def _read_decimal(value: Json, point: str) -> Decimal | None:
    """Read a number as JSON or people write it."""
    if isinstance(value, str):
        return read_decimal(value, point=point)
    read = NUMBER_KIND.read(value)
    return _decimal(read) if isinstance(read, int | float) else None


_POINT = text("point", "What stands before the fraction: . or ,", default=".")


def _number_of(value: Type) -> Type:
    return NUMBER if is_subtype(value, Text(format="decimal")) else nullable(NUMBER)


@GROUP.function(
    "to_decimal",
    "Read a number from text (.5 and 12. too); a number stays as it is. Anything else is unreadable.",
    anything(),
    _POINT,
    returns=lambda value, _: value if is_subtype(value, NUMBER) else _number_of(value),
    examples=[("12.50", 12.5), ("1,234.5", 1234.5), ("1.234,5", ",", 1234.5), ("1,5", None), ("twelve", None)],
    unreadable=1,
)
def _to_decimal(value: Json, point: str) -> int | float | None:
    read = _read_decimal(value, point)
    return None if read is None else as_number(read)


@GROUP.function(
    "to_integer",
    "Read a whole number from text or number; null where it is not whole.",
    anything(),
    returns=lambda value: value if is_subtype(value, INTEGER) else nullable(INTEGER),
    examples=[("42", 42), (42.0, 42), ("1,234", 1234), (1.5, None), ("x", None)],
    unreadable=1,
)
def _to_integer(value: Json) -> int | None:
    read = _read_decimal(value, ".")
    return _whole(read) if read is not None and read.is_finite() and abs(read) < _TOO_LARGE and read % 1 == 0 else None


@GROUP.function(
    "to_boolean",
    "Read true or false from the usual words (yes, no, t, f, on, off, 1, 0 …); anything else is unreadable.",
    text("value"),
    returns=lambda value: BOOLEAN if is_subtype(value, union(BOOLEAN, Text(format="boolean"))) else nullable(BOOLEAN),
    examples=[("Yes", True), ("off", False), (1, True), ("maybe", None)],
    unreadable=1,
)
def _to_boolean(value: str) -> bool | None:
    return read_boolean(value)


def _formatted(value: Type, digits: Type, point: Type, group: Type) -> Type:
    lengths = longest(point), longest(group)
    bound = None if None in lengths else 20 + _MOST_DIGITS + (lengths[0] or 0) + 6 * (lengths[1] or 0)
    return text_up_to(bound) if is_subtype(value, INTEGER) else nullable(text_up_to(bound))


def _write(value: Decimal, digits: int, point: str, group: str) -> str | None:
    if abs(value) >= _TOO_LARGE:
        return None
    written = f"{_EXACT.quantize(value, Decimal(1).scaleb(-max(0, min(digits, _MOST_DIGITS)))):,f}"
    whole, dot, fraction = written.partition(".")
    text = whole.replace(",", group) + (point if dot else "") + fraction
    return text[1:] if text.startswith("-") and not text.strip("-0,. ") else text


@GROUP.function(
    "format_number",
    "Write a number with N digits after the point (at most 15), and a mark between groups of three. Null beyond 19 digits.",
    number(),
    integer("digits", default=2),
    _POINT,
    text("group", "What stands between groups of three.", default=""),
    returns=_formatted,
    examples=[(1234.5, "1234.50"), (1234567.891, 1, ",", ".", "1.234.567,9"), (12, 0, "12"), (-0.001, 2, "0.00")],
)
def _format_number(value: float, digits: int, point: str, group: str) -> str | None:
    return _write(_decimal(value), digits, point, group)


@GROUP.function(
    "percent",
    "Write a share as a percentage.",
    number("share"),
    integer("digits", default=0),
    returns=nullable(text_up_to(40)),
    examples=[(0.125, 1, "12.5%"), (1, "100%")],
)
def _percent(share: float, digits: int) -> str | None:
    written = _write(_decimal(share) * 100, digits, ".", "")
    return None if written is None else f"{written}%"
