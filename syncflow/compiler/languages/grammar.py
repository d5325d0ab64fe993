"""JMESPath's grammar: text → the library's tree with a place for every name, or an error in plain words at its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from jmespath import exceptions
from jmespath.parser import Parser

from syncflow.compiler.languages.base import MAX_DEPTH, ExpressionError

Node = dict[str, Any]
_Grammar: Any = Parser


class _PlacedParser(_Grammar):  # type: ignore[misc]  # the stubs leave out the grammar's methods
    """The library's parser, with the offset of every name kept in its node, and commas that must be there.

    The library's nodes have no places, and it offers no other seam than its grammar methods.
    """

    _CACHE: dict[str, Any] = {}  # noqa: RUF012  # its own: nodes of the library's cache have no places

    def _token_nud_unquoted_identifier(self, token: Node) -> Node:
        return {**super()._token_nud_unquoted_identifier(token), "offset": token["start"]}

    def _token_nud_quoted_identifier(self, token: Node) -> Node:
        return {**super()._token_nud_quoted_identifier(token), "offset": token["start"]}

    def _token_led_lparen(self, left: Node) -> Node:
        if left["type"] != "field":
            return super()._token_led_lparen(left)  # type: ignore[no-any-return]  # raises the library's own error
        arguments = []
        while self._current_token() != "rparen":
            arguments.append(self._expression())
            if self._current_token() == "rparen":
                break
            self._match("comma")
        self._match("rparen")
        return {"type": "function_expression", "value": left["value"], "children": arguments, "offset": left["offset"]}


def parse(text: str) -> Node:
    """Return the tree of an expression. Raises ExpressionError."""
    try:
        tree: Node = _PlacedParser().parse(text).parsed
    except exceptions.EmptyExpressionError:
        raise ExpressionError("the expression is empty") from None
    except exceptions.LexerError as error:
        raise _lexer_error(text, error) from None
    except exceptions.IncompleteExpressionError:
        raise ExpressionError("the expression ends too early", len(text)) from None
    except exceptions.ParseError as error:
        raise _parse_error(text, error) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # int() of thousands of digits
        raise ExpressionError("a number in the expression is too long") from None
    _check_depth(tree)
    return tree


def _too_deep() -> ExpressionError:
    return ExpressionError(f"the expression is nested more than {MAX_DEPTH} deep", 0, "split it over several fields")


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


def children(node: Node) -> Sequence[Any]:
    return [child for child in node.get("children", ()) if isinstance(child, dict)]


def walk(tree: Node) -> Iterator[Node]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children(node)))


def _check_depth(tree: Node) -> None:
    level, depth = [tree], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise _too_deep()
        level = [child for node in level for child in children(node)]
