"""The kinds of scalar that a file may ask for, read from the source text that YAML gave.

PyYAML would turn ``2.10`` into 2.1, ``NO`` into False and ``012`` into 10 before anyone could ask what was meant. So the
loader hands every unquoted scalar over as ``Plain`` (its source text), and the place it stands in decides what it is.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

from cronsim import CronSim, CronSimError
from pydantic import BeforeValidator, Field, StrictFloat, StrictInt
from pydantic_core import PydanticCustomError

from syncflow.events import Json

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z")
_MOST_DIGITS = 1000
_NULLS = {"", "null", "~"}
TIMES = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


class Plain(str):
    """An unquoted scalar: its source text, to be read as what its place expects."""

    __slots__ = ()


class Unset(Plain):
    """A value whose variable is not set, where files are checked without an environment. Text keeps the reference; all else
    gets a harmless value of its kind."""

    __slots__ = ()


def refuse(
    message: str, *, expected: str = "", found: str = "", hint: str = "", code: str = "SF203"
) -> PydanticCustomError:
    """Return the error that a validator raises; the words become those of a diagnostic.

    ``found`` may be left out: the diagnostic then describes the value itself.
    """
    words = {"message": message, "expected": expected, "found": found, "hint": hint, "code": code}
    return PydanticCustomError("syncflow", "{message}", words)


def resolve(value: Any) -> Json:
    """Return ``value`` as JSON: unquoted true, false, null, integers and decimals are what they look like, all else is text."""
    if isinstance(value, Plain):
        return _resolve_scalar(value)
    if isinstance(value, dict):
        return {str(key): resolve(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(entry) for entry in value]
    return value  # type: ignore[no-any-return]  # quoted text, or JSON that Python code handed in


def _resolve_scalar(text: Plain) -> Json:
    if text in _NULLS:
        return None
    if text in {"true", "false"}:
        return text == "true"
    if _INTEGER.match(text):
        return int(text) if len(text) <= _MOST_DIGITS else str(text)
    if _DECIMAL.match(text):
        number = float(text)
        return number if math.isfinite(number) else str(text)
    return str(text)


def _text(value: Any) -> Any:
    if isinstance(value, Plain) and value in _NULLS:
        raise refuse(
            "text is missing here",
            expected="text",
            hint='write "" for empty text' if value == "" else f'quote it if the text is meant: "{value}"',
        )
    return str(value) if isinstance(value, str) else value


def _expression(value: Any) -> Any:
    text = _text(value)
    return text.removesuffix("\n") if isinstance(text, str) and len(text) > 1 else text


def _optional_text(value: Any) -> Any:
    return None if isinstance(value, Plain) and value in _NULLS else _text(value)


def _address(value: Any) -> Any:
    return None if isinstance(value, Unset) else _optional_text(value)


def _typed(value: Any) -> Any:
    """Read a plain scalar as what it looks like; text in quotes stays text, and the strict model refuses it."""
    return resolve(value) if isinstance(value, Plain) else value


def _integer(value: Any) -> Any:
    return 1 if isinstance(value, Unset) else _typed(value)


def _boolean(value: Any) -> Any:
    return False if isinstance(value, Unset) else _typed(value)


def _number(value: Any) -> Any:
    read = _integer(value)
    return float(read) if isinstance(read, int) and not isinstance(read, bool) else read


def _measure(value: Any, *, units: dict[str, Any], what: str, example: str) -> Any:
    text = value.strip() if isinstance(value, str) else ""
    number = text.rstrip("BKMGTikmshd")
    unit = text[len(number) :]
    if unit not in units or not _DECIMAL.match(number):
        hint = f"add a unit, such as {text}{example.lstrip('0123456789')}" if _DECIMAL.match(text) else ""
        raise refuse(
            f"this is not {what}", expected=f"{what} with a unit ({', '.join(units)}), such as {example}", hint=hint
        )
    return float(number) * units[unit]


def _duration(value: Any) -> Any:
    if isinstance(value, Unset):
        return 1.0
    return value if isinstance(value, float) else _measure(value, units=TIMES, what="a duration", example="10s")


def _file_to_make(value: Any) -> Any:
    path = _text(value)
    if isinstance(path, str) and PurePath(path).name in {"", ".."}:
        raise refuse("this path names no file", expected="a file, such as folder/name.db")
    return path


def _size(value: Any) -> Any:
    if isinstance(value, Unset):
        return 1_000_000
    return (
        value
        if isinstance(value, int) and not isinstance(value, bool)
        else int(_measure(value, units=_SIZES, what="a size", example="5MB"))
    )


class Rate(NamedTuple):
    """A count, and the number of seconds in which it holds."""

    count: float  # type: ignore[assignment]  # a rate is never searched, so tuple's own count is not missed
    per_seconds: float


def _rate(value: Any) -> Any:
    if isinstance(value, Unset):
        return Rate(1.0, 1.0)
    if isinstance(value, Rate):
        return value
    count, slash, period = (value if isinstance(value, str) else "").partition("/")
    period = period.strip()
    seconds = TIMES[period] if period in TIMES else _period(period)
    if not slash or not _DECIMAL.match(count.strip()) or not 0 < float(count) < math.inf or not seconds:
        raise refuse("this is not a rate", expected="a number per time, such as 5/s, 100/10s or 1000/m")
    return Rate(float(count), seconds)


def _period(text: str) -> float:
    number = text.rstrip("mshd")
    unit = text[len(number) :]
    return float(number) * TIMES[unit] if _DECIMAL.match(number) and unit in TIMES else 0.0


def _percent(value: Any) -> Any:
    if isinstance(value, Unset):
        return 1.0
    number = value.removesuffix("%").rstrip() if isinstance(value, str) else ""
    if isinstance(value, str) and value.endswith("%") and _DECIMAL.match(number):
        return float(number) / 100
    read = _number(value)
    if isinstance(read, bool) or not isinstance(read, float):
        raise refuse("this is not a share", expected="a share of the whole, such as 10% or 0.1")
    return read


def _overlap(value: Any) -> Any:
    if isinstance(value, Unset):
        return None
    if isinstance(value, str) and _INTEGER.match(value) and not value.startswith("-"):
        return int(value)
    return value if isinstance(value, int | None) else _duration(value)


def _cron(value: Any) -> Any:
    text = _text(value)
    if isinstance(value, Unset) or not isinstance(text, str):
        return "0 0 * * *" if isinstance(value, Unset) else text
    try:
        next(CronSim(text, datetime(2024, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        raise refuse(
            "this is not a cron expression with a time to come",
            expected="minute, hour, day of the month, month, day of the week, such as 0 6 * * 1-5",
        ) from None
    return text


SHAPES: dict[str, str] = {}
"""Pattern → what text that fits it looks like, for a person."""


def shaped(pattern: str, expected: str, **bounds: Any) -> Any:
    """Return the field of a text that must fit a pattern; ``expected`` says to a person which text does."""
    SHAPES[pattern] = expected
    return Field(pattern=pattern, **bounds)


Text = Annotated[str, BeforeValidator(_text)]
"""Text: whatever stands there, as it stands there (``2.10``, ``NO``, ``+15551234567``)."""

OptionalText = Annotated[str | None, BeforeValidator(_optional_text)]
Name = Annotated[
    str,
    BeforeValidator(_text),
    shaped(r"^[A-Za-z_][A-Za-z0-9_.-]*$", "a name: letters, digits, `_`, `.` and `-`, beginning with a letter"),
]
Expr = Annotated[str, BeforeValidator(_expression), Field(min_length=1)]
"""An expression: JMESPath, or Jinja when it contains ``{{`` or ``{%``. Compiled by the compiler, only carried here. The line break that
YAML puts behind a block (``|``) is no part of it, as in a template of Jinja."""

Template = Annotated[str, BeforeValidator(_text)]
"""Text with Jinja inserts; without inserts it stands for itself."""

Address = Annotated[str | None, BeforeValidator(_address)]
"""A template for a URL; none where its variable is not set, so that another address can stand in."""

FilePath = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
"""A path relative to the file that names it."""

FileToMake = Annotated[str, BeforeValidator(_file_to_make)]
"""The same, of a file that need not be there."""

Integer = Annotated[int, BeforeValidator(_integer), Field(strict=True)]
Number = Annotated[float, BeforeValidator(_number), Field(strict=True)]
Count = Annotated[int, BeforeValidator(_integer), Field(strict=True, ge=1)]
"""How many: at least one."""

Share = Annotated[float, BeforeValidator(_number), Field(strict=True, ge=0, le=1)]
"""A part of the whole: 0 to 1."""

IntegerOrNumber = Annotated[StrictInt | StrictFloat, BeforeValidator(_integer)]
"""A number that keeps its digits: an integer stays one."""

Version = Annotated[Literal[1], BeforeValidator(_integer)]
Boolean = Annotated[bool, BeforeValidator(_boolean), Field(strict=True)]
JsonValue = Annotated[Any, BeforeValidator(resolve)]
Written: TypeAlias = Any
"""A value whose type another file tells: a plain scalar keeps its text, and ``resolve`` reads it where it is no text."""

Duration = Annotated[float, BeforeValidator(_duration), Field(ge=0, allow_inf_nan=False)]
"""Seconds, written with a unit: 200ms, 5s, 10m, 24h, 7d."""

SomeTime = Annotated[Duration, Field(gt=0)]
"""The same, of what makes no sense without any time: a time limit, a window, a wait that grows."""

Size = Annotated[int, BeforeValidator(_size), Field(ge=0)]
"""Bytes, written with a unit: 4kB, 5GB."""

SomeSize = Annotated[Size, Field(gt=0)]
"""The same, of what makes no sense without any byte."""

Percent = Annotated[float, BeforeValidator(_percent), Field(ge=0, le=1)]
"""A share of the whole, written as 10% or 0.1."""

Overlap = Annotated[float | int | None, BeforeValidator(_overlap)]
"""Seconds, written with a unit and kept as a float; or how far apart numbers are, an integer."""

Cron = Annotated[str, BeforeValidator(_cron)]
"""A cron expression of five fields, or six with seconds first."""

RatePer = Annotated[Rate, BeforeValidator(_rate)]
"""A rate: 5/s, 100/10s, 1000/m."""
