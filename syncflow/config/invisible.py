"""Characters that are not visible, or that look like others: where they stand in a file, and what they are called.

In: the text of a file, its tree, and where reading it failed. Out: diagnostics, each at the character. Text in quotes may hold blanks and
joiners of its own; nowhere may text be turned round.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from syncflow.config.diagnostics import Diagnostic, FileText, Replacement, Span
from syncflow.config.nodes import MappingNode, Node, ScalarNode, SequenceNode, dotted
from syncflow.config.scalars import Plain
from syncflow.patterns import lazy_pattern

_BLANKS = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_NOTHING = "\u00ad\u200b-\u200d\u2060-\u2064\ufeff"
_TURNING = "\u200e\u200f\u202a-\u202e\u2066-\u2069"
_WIDE = "\uff1a\uff0c\uff5b\uff5d\uff3b\uff3d\uff03\uff0d\uff08\uff09"
_SUSPECT = lazy_pattern(f"[{_BLANKS}{_NOTHING}{_TURNING}{_WIDE}]")
_IS_BLANK, _IS_TURNING, _IS_WIDE = (re.compile(f"[{group}]") for group in (_BLANKS, _TURNING, _WIDE))
_CODE = lazy_pattern(r"[(){}=|&<>]|\bitem\b")


def at_fault(file: FileText, line: int) -> Diagnostic | None:
    """Return what is told of a file that is no YAML: the first such character on the line where reading failed, or on the two above."""
    for number in range(max(1, line - 2), line + 1):
        text = file.line(number).partition(" #")[0]
        for found in _SUSPECT.finditer(text):
            if not _within_quotes(text, found.start()):
                return _named(file, number, found.start(), severity_is_error=True)
    return None


def _within_quotes(text: str, place: int) -> bool:
    return any(text.count(quote, 0, place) % 2 == 1 for quote in "\"'")


def in_tree(file: FileText, tree: Node) -> Iterator[Diagnostic]:
    """Yield such characters in keys, in words without quotes and in expressions; and what turns text round, anywhere."""
    if _SUSPECT.search(file.text) is not None:
        yield from _below(file, tree, ())


def _below(file: FileText, node: Node, path: tuple[str | int, ...]) -> Iterator[Diagnostic]:
    if isinstance(node, MappingNode):
        for name, entry in node.entries.items():
            yield from _in_scalar(file, entry.key, (*path, name), is_key=True)
            yield from _below(file, entry.value, (*path, name))
    elif isinstance(node, SequenceNode):
        for index, item in enumerate(node.items):
            yield from _below(file, item, (*path, index))
    elif isinstance(node, ScalarNode):
        yield from _in_scalar(file, node, path, is_key=False)


def _in_scalar(file: FileText, node: ScalarNode, path: tuple[str | int, ...], *, is_key: bool) -> Iterator[Diagnostic]:
    start, end = node.start.index, node.end.index
    if node.file is not file or not isinstance(node.value, str):
        return
    for found in _SUSPECT.finditer(file.text, start, end):
        text = found[0]
        is_code = is_key or isinstance(node.value, Plain) or _CODE.search(node.value) is not None
        if _IS_TURNING.match(text) or (is_code and not (_IS_WIDE.match(text) and not is_key)):
            if _is_text(node.value, text) and not is_key:
                continue
            line = file.text.count("\n", 0, found.start()) + 1
            column = found.start() - (file.text.rfind("\n", 0, found.start()) + 1)
            yield _named(file, line, column, severity_is_error=False, path=dotted(path))
            return


def _is_text(value: str, character: str) -> bool:
    """Whether a character stands between words of a person's text: joined letters of a script, a blank that does not break."""
    place = value.find(character)
    around = value[max(place - 1, 0) : place] + value[place + 1 : place + 2]
    is_foreign = any((ord(letter) > 0x2AF and letter.isalpha()) or ord(letter) > 0x2190 for letter in around)
    return character in "\u200c\u200d\u200e\u200f" and is_foreign


def _named(file: FileText, line: int, column: int, *, severity_is_error: bool, path: str = "") -> Diagnostic:
    character = file.line(line)[column]
    span = Span(file.name, line, column + 1, line, column + 2, file)
    name = unicodedata.name(character, "a character without a name").lower()
    instead = " " if _IS_BLANK.match(character) else unicodedata.normalize("NFKC", character)
    if _IS_WIDE.match(character):
        message, hint = f"`{character}` is U+{ord(character):04X} ({name}), and not `{instead}`", f"write {instead}"
    elif instead == " ":
        message, hint = f"this blank is U+{ord(character):04X} ({name}), and not a space", "write a space"
    else:
        message, hint = f"an invisible character stands here: U+{ord(character):04X} ({name})", "delete it"
        instead = ""
    needs_space = (
        _IS_WIDE.match(character) and character in "\uff1a\uff0c" and file.line(line)[column + 1 : column + 2] != " "
    )
    run = re.match(f"{re.escape(character)}+", file.line(line)[column:])
    count = run.end() if run else 1
    whole = Span(file.name, line, column + 1, line, column + 1 + count, file)
    replaced = Replacement(whole, instead * count + (" " if needs_space else ""))
    return Diagnostic(
        "SF116",
        span,
        message,
        severity="error" if severity_is_error else "warning",
        hint=hint,
        path=path,
        replaced=replaced,
    )
