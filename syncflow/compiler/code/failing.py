"""What happens when generated code fails: one error, without data of the record, that names the place in the file."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from types import FunctionType, TracebackType
from typing import Any, Final

from syncflow.errors import DataError

NO_FILE: Final = "<expression>"
"""The file of code that was made of no file."""


def careful(function: FunctionType, file: str) -> Callable[[Any], Any]:
    """Return the function with what Python raises told as an error of the data; Python's own text may quote the data."""

    def call(root: Any) -> Any:
        try:
            return function(root)
        except DataError as error:
            error.hint = error.hint or _place_in(error.__traceback__, function, file)
            raise
        except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
            message = f"the expression cannot be evaluated ({type(error).__name__})"
            raise DataError(message, hint=_place_in(error.__traceback__, function, file)) from None

    return call


def _place_in(traceback: TracebackType | None, function: FunctionType, file: str) -> str:
    """Say where in the file the expression stands that failed; the code has the file's lines and columns."""
    while traceback is not None and traceback.tb_frame.f_code is not function.__code__:
        traceback = traceback.tb_next
    if traceback is None or file == NO_FILE:
        return ""
    line, _, column, _ = next(islice(function.__code__.co_positions(), traceback.tb_lasti // 2, None))
    return f"see {file}:{line}:{(column or 0) + 1}"
