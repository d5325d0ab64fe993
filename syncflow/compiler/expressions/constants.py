"""What may stand between backticks: JSON, and nothing that only Python's reader of JSON takes."""

from __future__ import annotations

import math
from typing import Any

from syncflow.compiler.expressions.syntax_errors import too_deep
from syncflow.compiler.languages.base import MAX_DEPTH, ExpressionError
from syncflow.compiler.types.json import LARGEST_INTEGER, SMALLEST_INTEGER
from syncflow.events import Json


def check_constant(value: Json, offset: int) -> None:
    """Refuse a constant that is not JSON, or nested too deep.

    Raises:
        ExpressionError: NaN, Infinity, an integer of more than 64 bits, or half of a surrogate pair is in it.
    """
    waiting: list[tuple[Any, int]] = [(value, 1)]
    while waiting:
        part, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise too_deep()
        if isinstance(part, float) and not math.isfinite(part):
            raise ExpressionError("NaN and Infinity are not JSON", offset)
        if isinstance(part, int) and not SMALLEST_INTEGER <= part <= LARGEST_INTEGER:
            raise ExpressionError("a number in the expression has more than 64 bits", offset)
        if isinstance(part, str) and any("\ud800" <= character <= "\udfff" for character in part):
            raise ExpressionError("half of a surrogate pair is not text", offset)
        if isinstance(part, dict):
            waiting.extend((name, depth) for name in part)
        if isinstance(part, list | dict):
            waiting.extend((entry, depth + 1) for entry in (part.values() if isinstance(part, dict) else part))
