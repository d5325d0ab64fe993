"""How other languages say it, and how it is written here: for texts that are no JMESPath.

In: a text and the place where reading it failed. Out: a hint, and the words to write instead, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from syncflow.compiler.languages.base import ExpressionError
from syncflow.patterns import lazy_pattern


class Idiom(NamedTuple):
    """``words``: where what is replaced begins, how long it is, and what to write."""

    hint: str
    words: tuple[int, int, str]


_PATH = r"[A-Za-z_@][\w.\"-]*(?:\([^()]*\))?"
_IF_ELSE = lazy_pattern(r"^\s*(?P<then>.+?)\s+if\s+(?P<test>.+?)\s+else\s+(?P<other>.+?)\s*$")
_QUESTION = lazy_pattern(r"^\s*(?P<test>.+?)\s*\?\s*(?P<then>.+?)\s*:\s*(?P<other>.+?)\s*$")
_IN = lazy_pattern(rf"(?P<value>{_PATH})\s+(?P<no>not\s+)?in\s*[\[(](?P<list>[^\[\]()]*)[\])]", re.IGNORECASE)
_BRACES = lazy_pattern(r"(?<!\{)\{\s*(?P<path>(?:item|record|operation|timestamp)\b[\w.]*)\s*\}(?!\})")
_BARE = lazy_pattern(r"\$?\{\s*(?P<path>[\w.]+)\s*\}")
_DASHED = lazy_pattern(r"(?<![\w.\"'-])(?P<before>(?:[A-Za-z_]\w*\.)+)(?P<name>[A-Za-z_]\w*(?:-\w+)+)")
_DIGIT = lazy_pattern(r"(?<=\.)(?P<name>[0-9]+[A-Za-z_]\w*)")
_WORDS = {"and": "&&", "or": "||", "not": "!"}
_OPERATORS = {"<>": "!=", "===": "==", "!==": "!=", "=": "=="}


def idiom_at(text: str, offset: int) -> Idiom | None:
    """Return what was meant by a text that cannot be read from ``offset`` on; None where it cannot be told."""
    return next((found for reads in _READERS for found in reads(text, offset)), None)


_METHOD = lazy_pattern(r"(?P<of>[A-Za-z_@][\w.\"-]*)\.(?P<name>\w+)\((?P<given>[^()]*)\)")


def as_method(text: str, error: ExpressionError) -> ExpressionError:
    """Return the error for a call that is written as a method of its first argument, with the call as it is written here."""
    for match in _METHOD.finditer(text):
        if match.start("name") == error.offset and error.code in {"SF302", "SF303"}:
            given = ", ".join(filter(None, [match["of"], match["given"].strip()]))
            instead = f"{error.suggestion or match['name']}({given})"
            words = (match.start(), len(match[0]), instead)
            hint = f"write {instead}"
            return ExpressionError(error.message, error.offset, hint, code=error.code, length=error.length, words=words)
    return error


def _choice(text: str, _: int) -> Iterator[Idiom]:
    for pattern in (_IF_ELSE, _QUESTION):
        match = pattern.match(text)
        if match:
            instead = f"when({match['test']}, {match['then']}, {match['other']})"
            yield Idiom(f"write {instead}", (0, len(text), instead))


def _membership(text: str, offset: int) -> Iterator[Idiom]:
    for match in _IN.finditer(text):
        if match.start() <= offset <= match.end():
            instead = f"{'!' if match['no'] else ''}contains([{match['list'].strip()}], {match['value']})"
            yield Idiom(f"write {instead}", (match.start(), len(match[0]), instead))


def _template(text: str, _: int) -> Iterator[Idiom]:
    whole = _BARE.fullmatch(text.strip())
    if whole and "." in whole["path"]:
        yield Idiom(f"write {whole['path']}", (0, len(text), whole["path"]))
    elif _BRACES.search(text):
        instead = _BRACES.sub(lambda match: f"{{{{ {match['path']} }}}}", text)
        yield Idiom(f"write {instead}", (0, len(text), instead))


def _names(text: str, offset: int) -> Iterator[Idiom]:
    for pattern in (_DASHED, _DIGIT):
        for match in pattern.finditer(text):
            if match.start("name") <= offset <= match.end("name"):
                instead = f'"{match["name"]}"'
                written = match.groupdict().get("before", "") + instead
                said = "a name with a dash" if pattern is _DASHED else "a name that begins with a digit"
                minus = "; numbers are subtracted by subtract(a, b)" if pattern is _DASHED else ""
                yield Idiom(
                    f"{said} is written in double quotes: {written}{minus}",
                    (match.start("name"), len(match["name"]), instead),
                )


def _operators(text: str, offset: int) -> Iterator[Idiom]:
    before = text[:offset].rstrip()
    for word, ours in _WORDS.items():
        at = offset if text[offset : offset + len(word)].lower() == word else len(before) - len(word)
        if text[at : at + len(word)].lower() == word and at >= 0:
            blank = " " if word == "not" and text[at + len(word) : at + len(word) + 1] == " " else ""
            yield Idiom(f"the operator is written {ours}", (at, len(word) + len(blank), ours))
    for theirs, ours in _OPERATORS.items():
        for at in range(max(0, offset - 2), offset + 1):
            if text.startswith(theirs, at) and text[at + len(theirs) : at + len(theirs) + 1] != "=":
                yield Idiom(f"to compare, write {ours}", (at, len(theirs), ours))


_READERS: tuple[Callable[[str, int], Iterator[Idiom]], ...] = (_choice, _membership, _template, _names, _operators)
