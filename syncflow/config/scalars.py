"""The kinds of scalar that a file may ask for, read from the source text that YAML gave.

PyYAML would turn ``2.10`` into 2.1, ``NO`` into False and ``012`` into 10 before anyone could ask what was meant. So the
loader hands every unquoted scalar over as ``Plain`` (its source text), and the place it stands in decides what it is.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field

from syncflow.events import Json

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z")
_NULLS = {"", "null", "~"}
_TIMES = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


class Plain(str):
    """An unquoted scalar: its source text, to be read as what its place expects."""

    __slots__ = ()


def resolve(value: Any) -> Json:
    """Return ``value`` as JSON: unquoted true, false, null, integers and decimals are what they look like, all else is text."""
    if isinstance(value, Plain):
        return _resolve_scalar(value)
    if isinstance(value, dict):
        return {str(key): resolve(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [resolve(entry) for entry in value]
    return value  # type: ignore[no-any-return]  # quoted text, or JSON that Python code handed in


def _resolve_scalar(text: Plain) -> Json:
    if text in _NULLS:
        return None
    if text in {"true", "false"}:
        return text == "true"
    if _INTEGER.match(text):
        return int(text)
    if _DECIMAL.match(text):
        return float(text)
    return str(text)


def _text(value: Any) -> Any:
    if isinstance(value, Plain) and value in _NULLS:
        raise ValueError("expected text, found nothing (quote it if the text is meant)")
    return str(value) if isinstance(value, str) else value


def _optional_text(value: Any) -> Any:
    return None if isinstance(value, Plain) and value in _NULLS else _text(value)


def _typed(value: Any) -> Any:
    """Read a plain scalar as what it looks like; text in quotes stays text, and the strict model refuses it."""
    return resolve(value) if isinstance(value, Plain) else value


def _number(value: Any) -> Any:
    read = _typed(value)
    return float(read) if isinstance(read, int) and not isinstance(read, bool) else read


def _measure(value: Any, *, units: dict[str, Any], example: str) -> Any:
    text = str(value).strip()
    number = text.rstrip("BKMGTikmshd")
    unit = text[len(number) :]
    if not isinstance(value, str) or unit not in units or not _DECIMAL.match(number):
        raise ValueError(f"expected a number with a unit ({', '.join(units)}), such as {example}; found {text!r}")
    return float(number) * units[unit]


def _duration(value: Any) -> Any:
    return value if isinstance(value, float) else _measure(value, units=_TIMES, example="200ms or 5m")


def _size(value: Any) -> Any:
    return value if isinstance(value, int) else int(_measure(value, units=_SIZES, example="5GB"))


class Rate(NamedTuple):
    """So many per so many seconds."""

    count: float
    per_seconds: float


def _rate(value: Any) -> Any:
    if isinstance(value, Rate):
        return value
    count, slash, period = str(value).partition("/")
    if not slash or not _DECIMAL.match(count.strip()) or float(count) <= 0:
        raise ValueError(f"expected a rate such as 5/s or 100/10s, found {str(value)!r}")
    period = period.strip()
    seconds = _TIMES.get(period)
    return Rate(float(count), seconds if seconds is not None else _duration(period))


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Text = Annotated[str, BeforeValidator(_text)]
"""Text: whatever stands there, as it stands there (``2.10``, ``NO``, ``+15551234567``)."""

OptionalText = Annotated[str | None, BeforeValidator(_optional_text)]
Name = Annotated[str, BeforeValidator(_text), Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")]
Expr = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
"""An expression: JMESPath, or Jinja when it contains ``{{`` or ``{%``. Compiled by the compiler, only carried here."""

Template = Annotated[str, BeforeValidator(_text)]
"""Text with Jinja inserts; without inserts it stands for itself."""

FilePath = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
"""A path relative to the file that names it."""

Integer = Annotated[int, BeforeValidator(_typed)]
Number = Annotated[float, BeforeValidator(_number)]
Boolean = Annotated[bool, BeforeValidator(_typed)]
JsonValue = Annotated[Any, BeforeValidator(resolve)]
Duration = Annotated[float, BeforeValidator(_duration), Field(ge=0)]
"""Seconds, written with a unit: 200ms, 5s, 10m, 24h, 7d."""

Size = Annotated[int, BeforeValidator(_size), Field(ge=0)]
"""Bytes, written with a unit: 4kB, 5GB."""

RatePer = Annotated[Rate, BeforeValidator(_rate)]
"""A rate: 5/s, 100/10s, 1000/m."""
