"""What inference has to say about an expression: as data, with its place in the text. Diagnostics are made of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from syncflow.frozen import value_class

if TYPE_CHECKING:
    from syncflow.compiler.expressions.node import Node


@value_class
class Finding:
    """``offset`` and ``length`` count characters of the expression's text."""

    code: str
    message: str
    offset: int
    length: int
    severity: Literal["error", "warning"] = "warning"
    expected: str = ""
    found: str = ""
    suggestion: str = ""
    hint: str = ""
    words: tuple[str | Node, ...] = ()
    """What to write instead: words, and nodes for the text that they were read from."""
    instead_of: Node | None = None
    """The node that they are written in place of; None: what is marked."""


def at(
    node: Node,
    code: str,
    message: str,
    *,
    severity: Literal["error", "warning"] = "warning",
    expected: str = "",
    found: str = "",
    suggestion: str = "",
    hint: str = "",
    words: tuple[str | Node, ...] = (),
    instead_of: Node | None = None,
) -> Finding:
    """Return a finding about a node."""
    length = max(node.length, 1)
    return Finding(code, message, node.offset, length, severity, expected, found, suggestion, hint, words, instead_of)


def stretch_of(node: Node, text: str) -> tuple[int, int]:
    """Return where the text of a node begins and ends, the arguments of calls included."""
    start, end = node.offset, node.offset + node.length
    for part in _below(node):
        start, end = min(start, part.offset), max(end, part.offset + part.length)
        if part.bracketed == "call":
            end = max(end, _closing(text, part.offset + part.length))
        elif part.bracketed:
            start = min(start, _opening(text, part.offset)) if part.bracketed == "list" else start
            end = max(end, _closing(text, start))
    return start, end


def _below(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _below(child)


def _opening(text: str, before: int) -> int:
    """Return the place of the bracket that a list begins with, whose first element begins at ``before``."""
    start = before
    while start > 0 and text[start] != "[":
        start -= 1
    return start


def _closing(text: str, start: int) -> int:
    """Return the place behind the bracket that closes the first one that opens at ``start`` or after."""
    depth, quote, place = 0, "", start
    while place < len(text):
        character = text[place]
        if quote:
            place += character == "\\"
            quote = "" if character == quote else quote
        elif character in "'\"`":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth == 0:
                return place + 1
        place += 1
    return len(text)


def words_of(finding: Finding, text: str) -> tuple[int, int, str] | None:
    """Return what a finding says to write instead: where it begins and ends in the text, and the words."""
    if not finding.words:
        return None
    start, end = finding.offset, finding.offset + finding.length
    if finding.instead_of is not None:
        start, end = stretch_of(finding.instead_of, text)
    pieces = (word if isinstance(word, str) else text[slice(*stretch_of(word, text))] for word in finding.words)
    return start, end, "".join(pieces)
