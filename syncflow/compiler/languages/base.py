"""What both languages share: their errors, the paths they read, and the bounds on what may be written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from syncflow.compiler.functions import Parameter
from syncflow.config.diagnostics import did_you_mean
from syncflow.errors import SyncflowError
from syncflow.events import Json

MAX_TEXT = 100_000
"""Most characters of an expression."""

MAX_DEPTH = 100
"""Deepest nesting of an expression."""

MAX_WORK = 1_000_000
"""What one evaluation may write and repeat: characters plus rounds of loops."""


def is_jinja(text: str) -> bool:
    """Return whether an expression is written in Jinja."""
    return "{{" in text or "{%" in text


class ExpressionError(SyncflowError):
    """An expression cannot be compiled; ``offset`` is the place in its text, counted in characters.

    ``suggestion`` is the name that was probably meant; where there is one, the hint says it too. ``words`` is what to write instead:
    offset, length and text.
    """

    code = "SF301"

    def __init__(
        self,
        message: str,
        offset: int = 0,
        hint: str = "",
        *,
        code: str = "SF301",
        suggestion: str = "",
        length: int = 1,
        words: tuple[int, int, str] | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.words = words
        self.offset = offset
        self.code = code
        self.suggestion = suggestion
        self.length = length


class Read(NamedTuple):
    """A path that an expression reads, from the root. A step is a name, a position, or None for every element."""

    steps: tuple[str | int | None, ...]
    offset: int


class Call(NamedTuple):
    """A function, or filter, that an expression calls."""

    name: str
    offset: int


_ELSEWHERE: Final[Mapping[str, str]] = {
    "case": "lookup",
    "dateformat": "format_date",
    "ifelse": "when",
    "if": "when",
    "ifnull": "default",
    "int": "to_integer",
    "float": "to_decimal",
    "bool": "to_boolean",
    "str": "to_string",
    "number": "to_decimal",
    "concat": "join",
    "substring_before": "before",
    "substring_after": "after",
    "date_format": "format_date",
    "datetimeformat": "format_date",
    "isnull": "is_blank",
    "ucfirst": "capitalize",
    "ljust": "pad_end",
    "rjust": "pad_start",
    "padleft": "pad_start",
    "lpad": "pad_start",
    "rpad": "pad_end",
    "urlencode": "url_quote",
    "size": "length",
    "count": "length",
    "iif": "when",
    "isblank": "is_blank",
    "isempty": "is_blank",
    "left": "truncate",
    "len": "length",
    "lowercase": "lower",
    "nvl": "default",
    "proper": "title",
    "regexreplace": "replace_pattern",
    "resub": "replace_pattern",
    "startcase": "title",
    "strftime": "format_date",
    "strip": "trim",
    "substr": "substring",
    "tojson": "to_json",
    "tolower": "lower",
    "toupper": "upper",
    "uppercase": "upper",
}
"""What functions are called in spreadsheets and other languages, without _ and in lower case, and here."""


def unknown_name(kind: str, name: str, known: Iterable[str], offset: int) -> ExpressionError:
    """Return the error for a function, filter or test that is not defined."""
    names = list(known)
    close = _ELSEWHERE.get(name.lower().replace("_", ""), "")
    close = close if close in names else did_you_mean(name, names, least=0.72)
    hint = f"did you mean `{close}`?" if close else "`syncflow functions` lists what there is"
    return ExpressionError(f"unknown {kind} `{name}`", offset, hint, code="SF302", suggestion=close, length=len(name))


def wrong_count(name: str, least: int, most: int | None, found: int, offset: int) -> ExpressionError:
    """Return the error for a call with too few or too many arguments."""
    expected = f"at least {least}" if most is None else str(least) if least == most else f"{least} to {most}"
    noun = "argument" if expected == "1" else "arguments"
    bare = name.partition("(")[0].strip()
    hint = _COUNTED.get(bare, "") if most is not None and found > most else ""
    message = f"{name} takes {expected} {noun}, found {found}"
    return ExpressionError(message, offset, hint, code="SF303", length=len(bare))


_COUNTED: Final[Mapping[str, str]] = {
    "default": "first_filled('…') goes on after empty text as well",
    "truncate": "it cuts, and adds nothing",
    "round": "it takes the digits after the point only",
}
"""What other languages give to a function besides, and what is written here."""


def check_constant(name: str, parameter: Parameter | None, value: Json, offset: int, length: int) -> None:
    """Refuse a constant argument that can never work, such as a pattern that is none."""
    words = parameter.check(value) if parameter is not None and parameter.check is not None else ""
    if words:
        raise ExpressionError(f"{name}: {words}", offset, code="SF306", length=length)


def inserted_text(value: object) -> str:
    """Return a scalar as a template writes it: booleans as JSON does, everything else as Python does."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
