"""A message about the user's files: what is wrong, where, what was expected and what to write instead.

In: places found by the loader, facts found by checks. Out: values; ``render.py`` turns them into text. Reads no file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import field
from functools import cached_property
from typing import Literal, NamedTuple

from syncflow.config.places import align
from syncflow.frozen import value_class
from syncflow.patterns import lazy_pattern

Severity = Literal["error", "warning"]

_ALLOW = lazy_pattern(r"#\s*syncflow:\s*allow=(SF\d+(?:\s*,\s*SF\d+)*)")


class FileText:
    """The text of one file, kept so that a message can quote it. ``name`` is the path as a person would type it."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    def line(self, number: int) -> str:
        """Return a line by its number, counted from 1; empty where there is none."""
        return self.lines[number - 1].rstrip("\r") if 0 < number <= len(self.lines) else ""

    @cached_property
    def allowed(self) -> dict[int, frozenset[str]]:
        """Codes silenced per line: by a comment at its end, or alone on the line above. On the first line of a block it
        silences all of it."""
        found: dict[int, frozenset[str]] = {}
        for number, line in enumerate(self.lines, 1):
            if "syncflow:" in line and (match := _ALLOW.search(line)):
                alone = line.lstrip().startswith("#")
                target = number + 1 if alone else number
                found[target] = found.get(target, frozenset()) | set(re.split(r"\s*,\s*", match.group(1)))
        return found


class ScalarSource(NamedTuple):
    """Where a scalar's value stands in its file's text, so that an offset into the value can be found again."""

    value: str
    style: str
    start: int
    end: int


@value_class
class Span:
    """A stretch of a file, lines and columns counted from 1, the end exclusive. Line 0: settings that no file holds."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: FileText | None = field(default=None, compare=False, repr=False)
    scalar: ScalarSource | None = field(default=None, compare=False, repr=False)
    begins: int = field(default=0, compare=False, repr=False)
    """The line on which the value begins that this is a part of: above its first where it is written as a block."""

    def at(self, offset: int, length: int = 1) -> Span:
        """Return the place of ``length`` characters at an offset into the scalar's value; the whole span where it cannot be told."""
        if self.text is None or self.scalar is None:
            return self
        places = align(self.text.text, self.scalar.value, self.scalar.style, self.scalar.start, self.scalar.end)
        if places is None:
            return self
        first = places[min(max(offset, 0), len(places) - 1)]
        last = places[min(max(offset + max(length, 1) - 1, 0), len(places) - 1)]
        line, column = _line_and_column(self.text.text, first)
        end_line, end_column = _line_and_column(self.text.text, max(first, last))
        if end_line != line:
            end_line, end_column = line, max(column, len(self.text.line(line)))
        return Span(self.file, line, column, end_line, end_column + 1, self.text, begins=self.line)


def _line_and_column(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index) + 1, index - (text.rfind("\n", 0, index) + 1) + 1


@value_class
class Replacement:
    """``text`` stands in for the stretch of a file that ``span`` is."""

    span: Span
    text: str


@value_class
class Diagnostic:
    """One problem at one place. ``code`` is stable; ``path`` is the place within the file's data (``systems.crm.limits``)."""

    code: str
    span: Span
    message: str
    severity: Severity = "error"
    expected: str = ""
    found: str = ""
    suggestion: str = ""
    """What the person probably meant, shown as *did you mean*."""
    hint: str = ""
    path: str = ""
    profiles: tuple[str, ...] = ()
    """The profiles with which this is wrong; empty where it is wrong with every one."""
    replaced: Replacement | None = None
    """What to write instead, where the hint says it to the letter."""

    @property
    def is_error(self) -> bool:
        return self.severity == "error"


def arranged(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return them by place, each once, without the warnings that a comment in the file allows."""
    seen = dict.fromkeys(diagnostics)
    told = {(d.span.file, d.span.line, d.span.column) for d in seen if d.code == "SF301"}
    kept = [diagnostic for diagnostic in seen if not (is_allowed(diagnostic) or _is_told(diagnostic, told))]
    return sorted(kept, key=lambda d: (d.span.file, d.span.line, d.span.column, d.code, d.message))


def _is_told(diagnostic: Diagnostic, told: Collection[tuple[str, int, int]]) -> bool:
    """Whether an invisible character has been named already by the expression that it spoils."""
    span = diagnostic.span
    return diagnostic.code == "SF116" and not diagnostic.is_error and (span.file, span.line, span.column) in told


def is_allowed(diagnostic: Diagnostic) -> bool:
    """Whether a comment allows it. Only warnings can be allowed: behind an error there is nothing that could run."""
    span = diagnostic.span
    if diagnostic.is_error or span.text is None:
        return False
    return any(diagnostic.code in span.text.allowed.get(line, ()) for line in (span.line, span.begins))


def did_you_mean(word: str, candidates: Iterable[str], *, least: float = 0.6) -> str:
    """Return the candidate that ``word`` is probably a slip of, or an empty string; ``least`` is how alike they are at least."""
    by_fold: dict[str, str] = {}
    for candidate in candidates:
        by_fold.setdefault(_fold(candidate), candidate)
    close = difflib.get_close_matches(_fold(word), by_fold, n=1, cutoff=least)
    return by_fold[close[0]] if close and by_fold[close[0]] != word else ""


def _fold(word: str) -> str:
    return word.casefold().replace("-", "_").replace(" ", "_")


def one_of(words: Sequence[str], *, most: int = 12) -> str:
    """Return ``one of a, b, c`` for a person, cut where it would be a wall of text."""
    shown = ", ".join(words[:most])
    rest = f" … ({len(words) - most} more)" if len(words) > most else ""
    return f"one of {shown}{rest}" if len(words) > 1 else shown or "nothing"
