"""A column as ``information_schema`` describes it → what it is declared as. Pure: the sources ``mysql`` and ``sql`` share it."""

from __future__ import annotations

import re
from typing import Final

from syncflow.compiler.drafts.declared import Column

_ENUM: Final = re.compile(r"enum\((.*)\)\Z", re.IGNORECASE | re.DOTALL)
_ENUM_VALUE: Final = re.compile(r"'((?:[^']|'')*)'")
_AS_TEXT: Final = ("set(", "time")
"""Of lists of values, and of times: they may be negative, or longer than a day."""


def column_of(name: str, type_: str, nullable: str, comment: str, *, is_key: bool = False) -> Column:
    """Return a column by its ``COLUMN_TYPE``, ``IS_NULLABLE`` and ``COLUMN_COMMENT``."""
    listed = _ENUM.match(type_)
    values = tuple(value.replace("''", "'") for value in _ENUM_VALUE.findall(listed[1])) if listed else ()
    is_text = type_.lower().startswith(_AS_TEXT) and not type_.lower().startswith("timestamp")
    return Column(
        name=name,
        type="text" if is_text else type_,
        is_nullable=nullable == "YES",
        is_key=is_key,
        values=values,
        comment=comment,
    )
