"""The library's tree of a text, or the reason, in words for a person, why the text has none."""

from __future__ import annotations

import unicodedata
import warnings
from typing import Any, Final, cast

from jmespath import exceptions
from jmespath.parser import Parser

from syncflow.compiler.expressions.idioms import idiom_at
from syncflow.compiler.languages.base import MAX_DEPTH, ExpressionError


def read_tree(text: str) -> dict[str, Any]:
    """Parse a text with the library.

    Raises:
        ExpressionError: the text is not JMESPath.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PendingDeprecationWarning)  # `text` for `"text"`: the library's leniency
            return cast("dict[str, Any]", Parser().parse(text).parsed)
    except exceptions.EmptyExpressionError:
        raise ExpressionError("the expression is empty") from None
    except exceptions.LexerError as error:
        raise _as_written_here(text, _lexer_error(text, error)) from None
    except exceptions.IncompleteExpressionError:
        raise ExpressionError("the expression ends too early", len(text)) from None
    except exceptions.ParseError as error:
        raise _as_written_here(text, _parse_error(text, error)) from None
    except RecursionError:
        raise too_deep() from None
    except ValueError:  # int() of thousands of digits
        raise ExpressionError("a number in the expression is too long") from None


def _as_written_here(text: str, error: ExpressionError) -> ExpressionError:
    """Return the error with the words of this language, where it is known what was meant."""
    idiom = idiom_at(text, error.offset)
    if idiom is None:
        return error
    return ExpressionError(error.message, error.offset, idiom.hint, length=error.length, words=idiom.words)


def too_deep() -> ExpressionError:
    return ExpressionError(f"the expression is nested more than {MAX_DEPTH} deep", 0, "split it over several fields")


def missing_comma(offset: int) -> ExpressionError:
    """Return the error for two arguments or entries with nothing between them, which the library would take."""
    return ExpressionError("a comma is missing", offset, "write a comma before this")


def _lexer_error(text: str, error: exceptions.LexerError) -> ExpressionError:
    offset = error.lex_position
    found = text[offset : offset + 1]
    if error.message.startswith("Unclosed"):
        return ExpressionError(f"the {found} opened here is never closed", offset)
    if found == "=":
        return ExpressionError("= is not an operator", offset, "to compare, write ==")
    if found == "`":
        return ExpressionError("what stands between the backticks is not JSON", offset, "write text as 'text'")
    if found and not found.isprintable():
        return _invisible(found, offset)
    return ExpressionError(f"unexpected {found}", offset, _FOREIGN.get(found, ""))


def _invisible(found: str, offset: int) -> ExpressionError:
    name = unicodedata.name(found, "a character without a name").lower()
    if unicodedata.category(found) == "Zs":
        message, hint, instead = f"this blank is U+{ord(found):04X} ({name}), and not a space", "write a space", " "
    else:
        message, hint, instead = f"an invisible character stands here: U+{ord(found):04X} ({name})", "delete it", ""
    return ExpressionError(message, offset, hint, words=(offset, 1, instead))


_STRAIGHT: Final = "text stands in straight quotes: 'text'"
_TEXTS: Final = "texts are joined in a template: {{ a }} {{ b }}"
_FOREIGN: Final = {
    "-": 'a name with a dash is written in double quotes: "first-name"; numbers are subtracted by subtract(a, b)',
    "+": f"numbers are added by add(a, b); {_TEXTS}",
    "/": "numbers are divided by divide(a, b)",
    "~": _TEXTS,
    "$": "a path begins with its first name",
    "?": "write when(condition, value, otherwise)",
    "\u2018": _STRAIGHT,
    "\u2019": _STRAIGHT,
    "\u201c": _STRAIGHT,
    "\u201d": _STRAIGHT,
}
"""What other languages write, and what is written here."""


def _parse_error(text: str, error: exceptions.ParseError) -> ExpressionError:
    kind, offset = str(error.token_type), error.lex_position
    if kind == "EOF":
        return ExpressionError("the expression ends too early", len(text))
    if kind in {"QUOTED_IDENTIFIER", "LITERAL"} and text[max(offset - 1, 0)] == "[":
        return _name_in_brackets(text[offset], str(error.token_value), offset)
    found = text[offset : offset + max(1, len(str(error.token_value)))]
    return ExpressionError(f"unexpected {found}", offset, _written_here(kind, found, text[:offset].rstrip()))


def _name_in_brackets(quote: str, name: str, offset: int) -> ExpressionError:
    path = name if name.isascii() and name.isidentifier() else f'"{name}"'
    return ExpressionError(f"unexpected {quote}{name}", offset, f"a field is read by a dot: .{path}")


def _written_here(kind: str, found: str, before: str) -> str:
    """Say how it is written what was probably meant by a token; empty where it is not known."""
    if kind == "NUMBER":
        is_place = before.endswith((".", ".["))
        return (
            f"an element is taken in brackets: list[{found}]"
            if is_place
            else f"a number is written in backticks: `{found}`"
        )
    if kind == "STAR":
        return "numbers are multiplied by multiply(a, b)"
    word = "not" if before.endswith("not") else found.lower()
    return f"the operator is written {_OPERATORS[word]}" if word in _OPERATORS else ""


_OPERATORS: Final = {"and": "&&", "or": "||", "not": "!", "&": "&&"}
"""As words that other languages have for them."""
