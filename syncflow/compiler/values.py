"""What the stages after the door share about values: their text, and a fault that costs one delivery."""

from __future__ import annotations

from syncflow.events import Json, Stage


class Fault(Exception):  # noqa: N818  # not an error of anybody's code: it becomes a dead letter
    """Why an event or a delivery is refused: stage, code and a reason without personal data."""

    def __init__(self, stage: Stage, code: str, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage
        self.code = code
        self.reason = reason


def is_true(value: Json) -> bool:
    """Return whether a rule's value counts as true: all but false, null, and empty text, lists and objects."""
    return value is not None and value is not False and value not in ("", [], {})


def text_of(value: Json) -> str | None:
    """Return the text that a table's key is compared with: true is ``true``, 5 and 5.0 are ``5``; None where there is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if _is_whole(value) else repr(value)
    return str(value) if isinstance(value, int) else None


def text_of_id(value: Json) -> str | None:
    """Return an id as text: text that is not empty, or an integer of 64 bits; 5.0 is one, and is ``5``."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, float):
        return str(int(value)) if _is_whole(value) else None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _is_whole(value: float) -> bool:
    return value.is_integer() and -(2**63) <= value < 2**63


def kind_of(value: Json) -> str:
    """Name the kind of a JSON value, for a person."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return {str: "text", list: "a list", dict: "an object"}.get(type(value), "no JSON")
