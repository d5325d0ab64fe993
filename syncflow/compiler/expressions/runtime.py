"""What generated code calls where the types prove nothing: JMESPath's meanings, one small function each.

In: any JSON values. Out: JSON values, or DataError, whose message names kinds of values and never a value.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn

from syncflow.compiler.forms.numbers import read_number
from syncflow.compiler.types.json import LARGEST_INTEGER, SMALLEST_INTEGER
from syncflow.errors import DataError
from syncflow.events import Json
from syncflow.patterns import lazy_pattern

Key = Callable[[Any], Any]

_KINDS: Final = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "text",
    list: "an array",
    dict: "an object",
    type(None): "null",
}
_NUMBERS: Final = (int, float)


def field(value: Any, name: str) -> Any:
    """Return a field of an object; null of anything else."""
    return value.get(name) if isinstance(value, dict) else None


def element(value: Any, position: int) -> Any:
    """Return one element of an array; null where there is none."""
    if isinstance(value, list) and -len(value) <= position < len(value):
        return value[position]
    return None


def part(value: Any, start: int | None, stop: int | None, step: int | None) -> Any:
    """Return a slice of an array; null of anything else."""
    return value[start:stop:step] if isinstance(value, list) else None


def flatten(value: Any) -> Any:
    """Return an array with the arrays within it opened, one level; null of anything else."""
    if not isinstance(value, list):
        return None
    merged: list[Any] = []
    for entry in value:
        if isinstance(entry, list):
            merged.extend(entry)
        else:
            merged.append(entry)
    return merged


def truthy(value: Any) -> bool:
    """Return whether a value counts as true: all but null, false, and empty text, arrays and objects."""
    return bool(value) or (value == 0 and value is not False)


def equal(left: Any, right: Any) -> bool:
    """Compare two values; a boolean is no number."""
    return bool(left == right) and isinstance(left, bool) is isinstance(right, bool)


def unequal(left: Any, right: Any) -> bool:
    """Return the opposite of ``equal``."""
    return not equal(left, right)


def _are_ordered(left: Any, right: Any) -> bool:
    """Two numbers have an order, and two texts; nothing else has."""
    if isinstance(left, bool) or isinstance(right, bool):
        return False
    if isinstance(left, str):
        return isinstance(right, str)
    return isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS)


def less(left: Any, right: Any) -> bool | None:
    return left < right if _are_ordered(left, right) else None


def less_or_equal(left: Any, right: Any) -> bool | None:
    return left <= right if _are_ordered(left, right) else None


def greater(left: Any, right: Any) -> bool | None:
    return left > right if _are_ordered(left, right) else None


def greater_or_equal(left: Any, right: Any) -> bool | None:
    return left >= right if _are_ordered(left, right) else None


def _refuse(function: str, expected: str, found: Any) -> NoReturn:
    raise DataError(f"{function}() expects {expected}, found {_KINDS.get(type(found), 'something else')}")


def _is_number(value: Any) -> bool:
    return isinstance(value, _NUMBERS) and not isinstance(value, bool)


def _number(function: str, value: Any) -> Any:
    return value if _is_number(value) else _refuse(function, "a number", value)


def _text(function: str, value: Any) -> str:
    return value if isinstance(value, str) else _refuse(function, "text", value)


def _array(function: str, value: Any) -> list[Any]:
    return value if isinstance(value, list) else _refuse(function, "an array", value)


def _object(function: str, value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else _refuse(function, "an object", value)


def _numbers(function: str, value: Any) -> list[Any]:
    for entry in _array(function, value):
        if not _is_number(entry):
            _refuse(function, "an array of numbers", entry)
    return value  # type: ignore[no-any-return]


def _comparable(function: str, values: Iterable[Any]) -> None:
    """Refuse values that are neither all numbers nor all texts."""
    all_text = None
    for entry in values:
        is_text = isinstance(entry, str)
        if not is_text and not _is_number(entry):
            _refuse(function, "numbers or texts", entry)
        if all_text is not None and is_text is not all_text:
            _refuse(function, "numbers only or texts only", entry)
        all_text = is_text


def _json_number(value: Any) -> Any:
    """Return a number, null in place of what JSON's cannot hold: infinity, and integers of more than 64 bits."""
    fits = SMALLEST_INTEGER <= value <= LARGEST_INTEGER if isinstance(value, int) else math.isfinite(value)
    return value if fits else None


def _whole(exact: int) -> Any:
    """Return an integer, as a float of the same value where it has more than 64 bits."""
    return exact if SMALLEST_INTEGER <= exact <= LARGEST_INTEGER else float(exact)


def absolute(value: Any) -> Any:
    size = abs(_number("abs", value))
    return _whole(size) if isinstance(size, int) else size


def average(values: Any) -> Any:
    numbers = _numbers("avg", values)
    if not numbers:
        return None
    return _json_number(sum(numbers) / len(numbers))


def ceiling(value: Any) -> Any:
    return _whole(math.ceil(_number("ceil", value)))


def floor(value: Any) -> Any:
    return _whole(math.floor(_number("floor", value)))


def contains(subject: Any, wanted: Any) -> bool:
    if isinstance(subject, str):
        return isinstance(wanted, str) and wanted in subject
    if not isinstance(subject, list):
        _refuse("contains", "text or an array", subject)
    return wanted in subject


def ends_with(text: Any, suffix: Any) -> bool:
    return _text("ends_with", text).endswith(_text("ends_with", suffix))


def starts_with(text: Any, prefix: Any) -> bool:
    return _text("starts_with", text).startswith(_text("starts_with", prefix))


def join(separator: Any, texts: Any) -> str:
    separator = _text("join", separator)
    for entry in _array("join", texts):
        if not isinstance(entry, str):
            _refuse("join", "an array of texts", entry)
    return str(separator.join(texts))


def keys(value: Any) -> list[str]:
    return list(_object("keys", value))


def values(value: Any) -> list[Any]:
    return list(_object("values", value).values())


def length(value: Any) -> int:
    return (
        len(value) if isinstance(value, str | list | dict) else _refuse("length", "text, an array or an object", value)
    )


def map_(key: Key, elements: Any) -> list[Any]:
    return [key(entry) for entry in _array("map", elements)]


def largest(elements: Any) -> Any:
    _comparable("max", _array("max", elements))
    return max(elements, default=None)


def smallest(elements: Any) -> Any:
    _comparable("min", _array("min", elements))
    return min(elements, default=None)


def _keyed(function: str, elements: Any, key: Key) -> list[tuple[Any, Any]]:
    """Return each element behind its key; keys are all numbers or all texts."""
    keyed = [(key(entry), entry) for entry in _array(function, elements)]
    _comparable(function, (rank for rank, _ in keyed))
    return keyed


def _rank(keyed: tuple[Any, Any]) -> Any:
    return keyed[0]


def largest_by(elements: Any, key: Key) -> Any:
    return max(_keyed("max_by", elements, key), key=_rank, default=(None, None))[1]


def smallest_by(elements: Any, key: Key) -> Any:
    return min(_keyed("min_by", elements, key), key=_rank, default=(None, None))[1]


def sort(elements: Any) -> list[Any]:
    _comparable("sort", _array("sort", elements))
    return sorted(elements)


def sort_by(elements: Any, key: Key) -> list[Any]:
    return [entry for _, entry in sorted(_keyed("sort_by", elements, key), key=_rank)]


def merge(*objects: Any) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for entry in objects:
        merged.update(_object("merge", entry))
    return merged


def not_null(*candidates: Any) -> Any:
    for candidate in candidates:
        if candidate is not None:
            return candidate
    return None


def reverse(value: Any) -> Any:
    return value[::-1] if isinstance(value, str | list) else _refuse("reverse", "text or an array", value)


def total(numbers: Any) -> Any:
    return _json_number(sum(_numbers("sum", numbers)))


def to_array(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_A_DOUBLE: Final = lazy_pattern(r"-?[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+\Z|-?[0-9]+\.[0-9]+\Z")
"""Whole numbers that JSON writes as a double are one: to_number('1.0') is 1.0."""
_LONGEST_NUMBER: Final = 400
"""Characters; the largest float, written out, has 309."""


def to_number(value: Any) -> Any:
    """Read a number as JSON writes it, or in another form of programs; null for what is none, or is too large."""
    if not isinstance(value, str):
        return value if _is_number(value) else None
    if len(value) > _LONGEST_NUMBER:
        return None
    read = read_number(value)
    return float(value) if isinstance(read, int) and _A_DOUBLE.match(value) else read


def to_string(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def kind_of(value: Json) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "null" if value is None else "array" if isinstance(value, list) else "object"
