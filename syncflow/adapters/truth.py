"""When an answer says yes: the one rule of every ``ok`` of an adapter file."""

from __future__ import annotations

from syncflow.compiler.values import is_true
from syncflow.events import Json

_NO = frozenset({"0", "false", "no"})


def says_yes(value: Json) -> bool:
    """Whether a value is true as in ``when`` (JMESPath), so that an id is; but 0, "0", "false" and "no" are how some APIs write false."""
    if isinstance(value, str):
        return bool(value) and value.strip().lower() not in _NO
    return is_true(value) and value != 0
