"""Reading the parts of a body whose shape cannot be taken for granted; what has another shape is refused by name."""

from __future__ import annotations

from typing import Any

from .problems import RefusedError, wrong_input


def whole(value: object, name: str) -> int:
    """A number of records, also as text."""
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdecimal()):
        raise RefusedError(wrong_input(f"{name} must be a whole number."))
    return int(text)


def whole_list(value: object, name: str) -> list[Any]:
    """A list of anything."""
    if not isinstance(value, list):
        raise RefusedError(wrong_input(f"{name} must be a list."))
    return value


def objects(value: object, name: str) -> list[dict[str, Any]]:
    """A list of objects."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise RefusedError(wrong_input(f"{name} must be a list of objects."))
    return value


def text(value: object, name: str) -> str | None:
    """A text or nothing; numbers are texts here, as in the vendor's own reader."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise RefusedError(wrong_input(f"{name} must be a text."))
    return str(value)


def texts(value: object, name: str) -> list[str]:
    """A list of texts."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise RefusedError(wrong_input(f"{name} must be a list of texts."))
    return value
