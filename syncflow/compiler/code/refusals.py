"""The library's tree of a text, or the reason, in words for a person, why the text has none."""

from __future__ import annotations

import warnings
from typing import Any, cast

from jmespath import exceptions
from jmespath.parser import Parser

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
        raise _lexer_error(text, error) from None
    except exceptions.IncompleteExpressionError:
        raise ExpressionError("the expression ends too early", len(text)) from None
    except exceptions.ParseError as error:
        raise _parse_error(text, error) from None
    except RecursionError:
        raise too_deep() from None
    except ValueError:  # int() of thousands of digits
        raise ExpressionError("a number in the expression is too long") from None


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
    if found == "-":
        return ExpressionError("unexpected -", offset, 'a name with a dash is written in double quotes: "first-name"')
    return ExpressionError(f"unexpected {found}", offset)


def _parse_error(text: str, error: exceptions.ParseError) -> ExpressionError:
    kind, offset = str(error.token_type), error.lex_position
    if kind == "EOF":
        return ExpressionError("the expression ends too early", len(text))
    found = text[offset : offset + max(1, len(str(error.token_value)))]
    if kind == "NUMBER":
        return ExpressionError(f"unexpected {found}", offset, f"a number is written in backticks: `{found}`")
    if found in {"and", "or", "not"}:
        operator = {"and": "&&", "or": "||", "not": "!"}[found]
        return ExpressionError(f"unexpected {found}", offset, f"the operator is written {operator}")
    return ExpressionError(f"unexpected {found}", offset)
