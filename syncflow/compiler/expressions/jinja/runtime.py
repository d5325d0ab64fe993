"""What the code of a template calls: Jinja's meanings, one small function each.

What is not there is a strict undefined, as Jinja has it: Python's operators and Jinja's tests then treat it as they do there.
Errors name no value.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from jinja2 import StrictUndefined, Undefined

from syncflow.compiler.languages.base import MAX_WORK, inserted_text
from syncflow.errors import DataError

LARGEST: Final = 10**30
"""Larger numbers are not calculated with."""
OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}


def _not_there(name: str) -> StrictUndefined:
    return StrictUndefined(hint=f"'{name}' is not there", exc=DataError)  # type: ignore[arg-type]  # any exception serves


def field(of: Any, name: str) -> Any:
    """Return a field of an object, or what is not there."""
    return of[name] if isinstance(of, dict) and name in of else _not_there(name)


def nothing() -> Undefined:
    """Return what an ``if`` without ``else`` gives where it does not hold: it is written as nothing."""
    return Undefined(exc=DataError)  # type: ignore[arg-type]  # any exception serves


def need(of: Any, name: str) -> Any:
    """Return a field of an object. Raises DataError where there is none."""
    if isinstance(of, dict) and name in of:
        return of[name]
    raise DataError(f"'{name}' is not there")


def entry(of: Any, key: Any) -> Any:
    """Return an entry of an object, an array or a text, or what is not there."""
    try:
        return of[key] if isinstance(of, dict | list | str) else _not_there("entry")
    except (LookupError, TypeError):
        return _not_there("entry")


def there(value: Any) -> Any:
    """Return a value that is there. Raises DataError for any other."""
    if isinstance(value, Undefined):
        str(value)  # a strict one says what is absent
    return value


def is_there(value: Any) -> bool:
    return not isinstance(value, Undefined)


def null_if_absent(value: Any) -> Any:
    return None if isinstance(value, Undefined) else value


def as_text(value: Any) -> str:
    """Write a value into a text: true is ``true``, as JSON writes it, and null is ``None``, as Jinja writes it."""
    if isinstance(value, list | tuple | dict):
        raise DataError("a list or an object cannot be inserted as text; use join or to_json")
    return inserted_text(value)


def sent_text(value: Any) -> str:
    """Write a value into a part of a request: as ``as_text``, but nothing for null."""
    return "" if value is None else as_text(value)


def limited(text: str) -> str:
    """Return the text, if it is not longer than a template may get."""
    if len(text) > MAX_WORK:
        raise _too_much()
    return text


def _too_much() -> DataError:
    return DataError(f"the template writes or repeats more than {MAX_WORK:,} characters and rounds")


class Work:
    """What one rendering may still cost: characters written, parts of structures, and rounds."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_WORK

    def charge(self, amount: int) -> None:
        self.left -= amount
        if self.left < 0:
            raise _too_much()


def charged(work: Work, value: Any) -> Any:
    """Return what was made, charged by its length."""
    if isinstance(value, str | list | dict):
        work.charge(len(value))
    return value


def measured(work: Work, value: Any) -> Any:
    """Return what a function is given, charged by all that is in it."""
    waiting = [value] if isinstance(value, list | dict) else []
    while waiting:
        part = waiting.pop()
        work.charge(len(part) if isinstance(part, str) else 1)
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list | tuple):
            waiting.extend(part)
    return value


def elements(source: Any) -> list[Any]:
    """Return what a loop goes through."""
    return list(_elements(source))


def _elements(source: Any) -> Iterable[Any]:
    if not isinstance(there(source), list | dict | str | Undefined):
        raise DataError("for needs a list, an object or text to go through")
    return source  # type: ignore[no-any-return]


def kept(source: Any, meets: Callable[[Any], Any]) -> list[Any]:
    """Return the elements that meet a condition."""
    return [element for element in _elements(source) if meets(element)]


def unpacked(value: Any, count: int) -> list[Any]:
    """Return the parts that a value is taken apart to."""
    parts = list(value) if isinstance(value, list | tuple | str | dict) else []
    if len(parts) != count:
        raise DataError(f"a value is taken apart to {count} names, and has not so many parts")
    return parts


def text_of_each(source: Any, write: Callable[[Any], str], work: Work | None = None) -> str:
    """Return the texts of all elements, joined."""
    return _bounded(map(write, _elements(source)), work=work)


def text_of_each_round(source: Any, write: Callable[[Any], str], work: Work | None = None) -> str:
    """Return the texts of all rounds of a loop, joined: a round is the element and what ``loop`` tells of it."""
    each = elements(source)
    return _bounded((write(_round(each, number)) for number in range(len(each))), work=work)


def _round(each: list[Any], number: int) -> dict[str, Any]:
    count = len(each)
    told = {
        "element": each[number],
        "index": number + 1,
        "index0": number,
        "revindex": count - number,
        "revindex0": count - number - 1,
        "first": number == 0,
        "last": number + 1 == count,
        "length": count,
        "depth": 1,
        "depth0": 0,
    }
    if number:
        told["previtem"] = each[number - 1]
    if number + 1 < count:
        told["nextitem"] = each[number + 1]
    return told


def _bounded(texts: Iterable[str], between: str = "", work: Work | None = None) -> str:
    """Join texts; each costs its length, what stands between, and one for the round."""
    parts, left = [], MAX_WORK
    for text in texts:
        left -= 1 + len(text) + len(between)
        if left < 0:
            raise _too_much()
        if work is not None:
            work.charge(1 + len(text))
        parts.append(text)
    return between.join(parts)


def join(source: Any, separator: Any = "") -> str:
    """Join the texts and numbers of an array."""
    if not isinstance(there(source), list | str | Undefined):
        raise DataError("join needs a list")
    return _bounded(map(as_text, source), str(separator))


def calculate(sign: str, left: Any, right: Any) -> Any:
    """Add, subtract, multiply or divide two numbers; add two texts or two arrays."""
    if sign == "+" and type(left) is type(right) and isinstance(left, str | list):
        if len(left) + len(right) > MAX_WORK:
            raise _too_much()
        return left + right
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (left, right))
    if not numbers or max(abs(left), abs(right)) > LARGEST:
        there(left), there(right)
        raise DataError(f"{sign} works on numbers (and + on two texts or two lists)")
    return OPERATORS[sign](left, right)


def contains(container: Any, value: Any) -> bool:
    return value in container


def sliced(of: Any, *bounds: Any) -> Any:
    """Return a part of an array or a text. Raises DataError for anything else, as Jinja does: it is no value that is not there."""
    if not isinstance(of, list | str):
        raise DataError("only a list or a text has parts")
    try:
        return of[slice(*bounds)]
    except (TypeError, ValueError):
        raise DataError("the bounds of a part are integers, and its step is not 0") from None


MOST_RANGE: Final = 10_000


def range_of(*bounds: Any) -> list[int]:
    """Return the whole numbers from a first one to one before the last."""
    if not all(isinstance(bound, int) for bound in bounds) or not 1 <= len(bounds) <= 3 or bounds[2:] == (0,):
        raise DataError("range takes one to three integers, the step not 0")
    numbers = range(*bounds)
    if len(numbers) > MOST_RANGE:
        raise DataError(f"range gives at most {MOST_RANGE:,} numbers")
    return list(numbers)


def items(of: Any) -> list[list[Any]]:
    """Return the names of an object, each with its value; none of what is absent."""
    if isinstance(of, Undefined):
        return []
    if not isinstance(of, dict):
        raise DataError("items needs an object")
    return [[name, value] for name, value in of.items()]


def object_of(*parts: Any) -> dict[Any, Any]:
    """Return an object of names and values, one after the other."""
    return dict(zip(parts[::2], parts[1::2], strict=True))


def negative(value: Any) -> Any:
    return -there(value)


def positive(value: Any) -> Any:
    return +there(value)
