"""Where a template is no Jinja, to the character: Jinja itself knows the line only.

In: the text and Jinja's error. Out: our error, at the part that cannot be read.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from jinja2 import Environment, TemplateSyntaxError

from syncflow.compiler.languages.base import ExpressionError
from syncflow.patterns import lazy_pattern

_PART = lazy_pattern(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_OPENS = lazy_pattern(r"\{%-?\s*(if|for|set)\b")
_CLOSES = lazy_pattern(r"\{%-?\s*end(if|for|set)\b")
_FOUND = lazy_pattern(r"(?:got|unexpected) '?(.+?)'?$")
_PLAIN_WORDS = (
    ("'end of print statement'", "}}"),
    ("end of print statement", "}}"),
    ("'end of statement block'", "%}"),
    ("end of statement block", "%}"),
)
_OPERATORS = {"&&": "and", "||": "or", "!": "not", "===": "==", "<>": "!="}


class _Place(NamedTuple):
    offset: int
    length: int


def syntax_fault(environment: Environment, text: str, error: TemplateSyntaxError) -> ExpressionError:
    """Return what is wrong with a template that Jinja refuses, and where."""
    unpaired = _unpaired(text)
    if unpaired is not None:
        return unpaired
    message = plain(error.message or "bad syntax")
    if "end of template" in message or "unknown tag 'end" in message:
        return _unclosed_block(text, message)
    part = _wrong_part(environment, text)
    if part is None:
        return ExpressionError(message, _line_start(text, error.lineno))
    own = _own_message(environment, part[0]) or message
    place = _within(own, *part)
    return _as_written_here(text, own, place)


def plain(message: str) -> str:
    """Return Jinja's words without its names for brackets."""
    for theirs, ours in _PLAIN_WORDS:
        message = message.replace(theirs, ours)
    words = message.rstrip(".")
    return words[:1].lower() + words[1:]


def _line_start(text: str, line: int) -> int:
    return sum(len(row) for row in text.splitlines(keepends=True)[: line - 1])


def _unpaired(text: str) -> ExpressionError | None:
    """Find an opening bracket whose closing one is missing before the next opens."""
    for found in re.finditer(r"\{\{|\{%", text):
        closing = "}}" if found[0] == "{{" else "%}"
        end, following = text.find(closing, found.end()), re.search(r"\{\{|\{%", text[found.end() :])
        limit = len(text) if following is None else found.end() + following.start()
        if end < 0 or end > limit:
            message = f"the {found[0]} opened here is never closed"
            return ExpressionError(message, found.start(), f"each {found[0]} needs its {closing}", length=2)
    return None


def _unclosed_block(text: str, message: str) -> ExpressionError:
    open_blocks: list[re.Match[str]] = []
    for found in sorted([*_OPENS.finditer(text), *_CLOSES.finditer(text)], key=lambda match: match.start()):
        if not found[0].rpartition(" ")[2].startswith("end"):
            open_blocks.append(found)
        elif open_blocks and open_blocks[-1][1] == found[1]:
            open_blocks.pop()
        else:
            hint = f"take it out, or open it by {{% {found[1]} … %}}"
            return ExpressionError(
                f"nothing is open that end{found[1]} could close", found.start(), hint, length=len(found[0])
            )
    if not open_blocks:
        return ExpressionError(message)
    first = open_blocks[-1]
    hint = f"write {{% end{first[1]} %}} behind it"
    words = (len(text), 0, f"{{% end{first[1]} %}}")
    return ExpressionError(
        f"the {first[1]} opened here is never closed", first.start(), hint, length=len(first[0]), words=words
    )


def _wrong_part(environment: Environment, text: str) -> tuple[str, int] | None:
    """Return the first part in brackets that cannot be read by itself, and where it begins."""
    for found in _PART.finditer(text):
        if _own_message(environment, found[0]):
            return found[0], found.start()
    return None


def _own_message(environment: Environment, part: str) -> str:
    """Return what Jinja says of one part alone; empty where the part is right, or is one of a block."""
    closed = part + "".join(
        f"{{% end{found[1]} %}}" for found in _OPENS.finditer(part) if found[1] != "set" or "=" not in part
    )
    try:
        environment.parse(closed)
    except TemplateSyntaxError as error:
        words = error.message or ""
        is_of_a_block = "nknown tag" in words and re.search(r"'(?:else|elif|end\w+)'", words)
        return "" if is_of_a_block else plain(words)
    except (ValueError, RecursionError):
        return ""
    return ""


def _within(message: str, part: str, start: int) -> _Place:
    found = _FOUND.search(message)
    word = found[1].strip("'") if found else ""
    at = part.rfind(word) if word in {"}}", "%}"} else part.find(word, 2) if word else -1
    return _Place(start + max(at, 0), max(len(word), 1) if at >= 0 else 2)


def _as_written_here(text: str, message: str, place: _Place) -> ExpressionError:
    for theirs, ours in _OPERATORS.items():
        at = text.find(theirs, max(0, place.offset - 1))
        if 0 <= at <= place.offset + 1 and not text.startswith("!=", at):
            return ExpressionError(message, at, f"write {ours}", length=len(theirs), words=(at, len(theirs), ours))
    is_assignment = text[place.offset : place.offset + 1] == "=" and text[place.offset + 1 : place.offset + 2] != "="
    if is_assignment:
        words = (place.offset, 1, "==")
        return ExpressionError("= is not an operator", place.offset, "to compare, write ==", words=words)
    hint = "something is missing before it" if message.endswith(("}}", "%}")) else ""
    return ExpressionError(message, place.offset, hint, length=place.length)
