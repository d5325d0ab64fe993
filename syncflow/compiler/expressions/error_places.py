"""What happens when generated code fails: one error, without data of the record, that names the place in the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from types import FunctionType, TracebackType
from typing import Any, Final

from syncflow.errors import DataError

NO_FILE: Final = "<expression>"
"""The file of code that was made of no file."""


FAILURES: Final = (
    DataError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
"""What generated code may raise."""


class FieldError(DataError):
    """The value of a field cannot be made. ``field`` is the first that needs what failed, empty where there is none."""

    def __init__(self, message: str, *, field: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


Spot = tuple[int, int]
"""Line and column of generated code: those of the file."""


Teller = Callable[[Exception], "FieldError"]
"""What generated code raised → the error that names the field and the place."""


def careful(function: Callable[[Any], Any], told: Callable[[Exception], FieldError]) -> Callable[[Any], Any]:
    """Return the function with what fails ``told`` as a FieldError."""

    def call(root: Any) -> Any:
        try:
            return function(root)
        except FAILURES as error:
            raise told(error) from None

    return call


def _without_a_place(error: Exception) -> FieldError:
    return FieldError(f"the expression cannot be evaluated ({type(error).__name__})")


def careful_later(make: Callable[[], tuple[Callable[[Any], Any], Teller]]) -> Callable[[Any], Any]:
    """Return what ``careful`` returns for a function that is made at the first call."""

    told: Teller = _without_a_place
    function: Callable[[Any], Any] | None = None

    def first(root: Any) -> Any:
        nonlocal function, told
        function, told = make()
        return function(root)

    function = first

    def call(root: Any) -> Any:
        try:
            return function(root)
        except FAILURES as error:
            raise told(error) from None

    return call


def teller(function: FunctionType, file: str, fields: Mapping[Spot, str]) -> Callable[[Exception], FieldError]:
    """Return what makes a FieldError of what the function raised: Python's own texts may quote the data.

    ``fields`` tells which field the code at a spot was written for.
    """

    def tell(error: Exception) -> FieldError:
        message = (
            error.message
            if isinstance(error, DataError)
            else f"the expression cannot be evaluated ({type(error).__name__})"
        )
        spot = _spot_in(error.__traceback__, function)
        if spot is None:
            return FieldError(message)
        hint = "" if file == NO_FILE else f"see {file}:{spot[0]}:{spot[1] + 1}"
        return FieldError(message, field=fields.get(spot, ""), hint=hint).with_traceback(error.__traceback__)

    return tell


def _spot_in(traceback: TracebackType | None, function: FunctionType) -> Spot | None:
    """Return where the call stands in the function that led to the error."""
    while traceback is not None and traceback.tb_frame.f_code is not function.__code__:
        traceback = traceback.tb_next
    if traceback is None:
        return None
    line, _, column, _ = next(islice(function.__code__.co_positions(), traceback.tb_lasti // 2, None))
    return (line or 1, column or 0)
