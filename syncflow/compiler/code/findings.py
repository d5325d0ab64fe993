"""What inference has to say about an expression: as data, with its place in the text. Diagnostics are made of it."""

from __future__ import annotations

from typing import Literal

from syncflow.compiler.code.nodes import Node
from syncflow.frozen import frozen_value


@frozen_value
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
) -> Finding:
    """Return a finding about a node."""
    return Finding(code, message, node.offset, max(node.length, 1), severity, expected, found, suggestion, hint)
