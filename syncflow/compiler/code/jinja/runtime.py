"""What the code of a template calls: the sandbox's meanings, one small function each.

What is not there is a strict undefined, as in the sandbox: Python's operators and Jinja's tests then treat it as they do there.
Errors name no value.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from jinja2 import StrictUndefined, Undefined

from syncflow.compiler.languages.base import MAX_WORK, inserted_text
from syncflow.errors import DataError

_LARGEST: Final = 10**30
_OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
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
    if isinstance(value, list | dict):
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


def _elements(source: Any) -> Iterable[Any]:
    if not isinstance(there(source), list | dict | str):
        raise DataError("for needs a list, an object or text to go through")
    return source  # type: ignore[no-any-return]


def text_of_each(source: Any, write: Callable[[Any], str]) -> str:
    """Return the texts of all elements, joined."""
    return _bounded(map(write, _elements(source)))


def text_of_each_round(source: Any, write: Callable[[Any], str]) -> str:
    """Return the texts of all rounds of a loop, joined: a round is the element and what ``loop`` tells of it."""
    elements = list(_elements(source))
    return _bounded(write(_round(element, number, len(elements))) for number, element in enumerate(elements))


def _round(element: Any, number: int, count: int) -> dict[str, Any]:
    return {
        "element": element,
        "index": number + 1,
        "index0": number,
        "revindex": count - number,
        "revindex0": count - number - 1,
        "first": number == 0,
        "last": number + 1 == count,
        "length": count,
    }


def _bounded(texts: Iterable[str], between: str = "") -> str:
    """Join texts; each costs its length, what stands between, and one for the round."""
    parts, left = [], MAX_WORK
    for text in texts:
        left -= 1 + len(text) + len(between)
        if left < 0:
            raise _too_much()
        parts.append(text)
    return between.join(parts)


def join(source: Any, separator: Any = "") -> str:
    """Join the texts and numbers of an array."""
    if not isinstance(source, list | str):
        raise DataError("join needs a list")
    return _bounded(map(as_text, source), str(separator))


def calculate(sign: str, left: Any, right: Any) -> Any:
    """Add, subtract, multiply or divide two numbers; add two texts or two arrays."""
    if sign == "+" and type(left) is type(right) and isinstance(left, str | list):
        if len(left) + len(right) > MAX_WORK:
            raise _too_much()
        return left + right
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (left, right))
    if not numbers or max(abs(left), abs(right)) > _LARGEST:
        raise DataError(f"{sign} works on numbers (and + on two texts or two lists)")
    return _OPERATORS[sign](left, right)


def contains(container: Any, value: Any) -> bool:
    return value in container
