"""What to write instead, exactly: text for a stretch of a file, so that an editor (or a test) can apply a hint.

In: the place of a scalar and its new value, or a part of it. Out: a replacement, quoted as YAML needs it. Changes no file.
"""

from __future__ import annotations

import re

from syncflow.config.diagnostics import Diagnostic, Replacement, Span, did_you_mean
from syncflow.patterns import lazy_pattern

_PLAIN = lazy_pattern(r"[\w./(@${-][^\n]*", re.ASCII)
_NOT_PLAIN = lazy_pattern(r": |\s#|:$|\s$|^- |^[{\[]|[{}\[\],\"`]|^\$\{|^-$")
_READ_AS_ANOTHER = lazy_pattern(r"(?:true|false|null|~|[-+.]?[0-9][0-9_.eE+-]*)?")


def replacement_of(diagnostic: Diagnostic) -> Replacement | None:
    """Return what to write instead, ready to be applied: as the check says it, or the name that was probably meant."""
    if diagnostic.replaced is not None or not diagnostic.suggestion or not _is_marked(diagnostic):
        return diagnostic.replaced
    return rewritten(diagnostic.span, diagnostic.suggestion)


def _is_marked(diagnostic: Diagnostic) -> bool:
    """Whether the word that was misspelt is what the place marks: it may have come from elsewhere, as the name of a profile does."""
    span = diagnostic.span
    if span.text is None or span.line != span.end_line:
        return False
    marked = span.text.line(span.line)[span.column - 1 : span.end_column - 1].strip("\"'")
    return did_you_mean(marked, [diagnostic.suggestion], least=0.5) != ""


def rewritten(span: Span, value: str) -> Replacement | None:
    """Return the replacement of a whole scalar (a value or a key) by another one; None where the file does not hold it in one line."""
    if span.line == 0 or span.end_line != span.line or span.text is None:
        return None
    style = span.scalar.style if span.scalar is not None else ""
    return None if style in {"|", ">"} else Replacement(span, quoted(value, style))


def rewritten_part(span: Span, offset: int, length: int, words: str) -> Replacement | None:
    """Return the replacement of a part of a scalar's value by other words."""
    source = span.scalar
    if source is None:
        return None
    if source.style in {"|", ">"}:
        part = span.at(offset, length)
        return Replacement(part, words) if length > 0 and part.line == part.end_line else None
    return rewritten(span, source.value[:offset] + words + source.value[offset + length :])


def quoted(value: str, style: str = "") -> str:
    """Return text as a scalar of YAML that reads as this very text, plain where that is sure."""
    if style == "" and _is_plain(value):
        return value
    if style == "'" or ('"' in value or "\\" in value):
        return "'" + value.replace("'", "''") + "'"
    return f'"{value}"'


def _is_plain(value: str) -> bool:
    return (
        _PLAIN.fullmatch(value) is not None
        and _NOT_PLAIN.search(value) is None
        and _READ_AS_ANOTHER.fullmatch(value) is None
    )
