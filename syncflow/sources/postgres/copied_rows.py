"""A line of ``COPY … TO STDOUT`` (text) → the texts of its columns → a row. Pure.

Nearly every line is UTF-8 without a backslash: then it is taken apart at its tabs, and nothing else is to be done.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

from syncflow.events import Item
from syncflow.sources.postgres.values import Convert, unfit_value

Text: TypeAlias = "str | bytes | None"
"""Of one value: None for NULL; bytes where they are no UTF-8 (a database may hold such, as SQL_ASCII)."""

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def texts_of(line: bytes) -> Sequence[str | None]:
    """Return the texts of a line's columns, None for NULL.

    Raises:
        UnicodeDecodeError: one is no UTF-8.
    """
    texts = line[:-1].decode().split("\t")
    if b"\\" in line:
        return [None if text == "\\N" else _unescaped(text) if "\\" in text else text for text in texts]
    return texts


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), text)


def _decoded(field: bytes) -> Text:
    try:
        text = field.decode()
    except UnicodeDecodeError:
        return field
    return None if text == "\\N" else _unescaped(text)


class RowReader:
    """Of one table's columns."""

    def __init__(self, columns: Sequence[tuple[str, Convert | None]]) -> None:
        self._columns = columns
        self._names = [name for name, _ in columns]
        self._converts = [(name, convert) for name, convert in columns if convert is not None]

    def read(self, line: bytes) -> tuple[Sequence[Text], Item, str]:
        """Return the texts, the row, and why a value is unfit ("" where none is)."""
        try:
            texts = texts_of(line)
            row: dict[str, Any] = dict(zip(self._names, texts, strict=True))
            for name, convert in self._converts:
                if (text := row[name]) is not None:
                    row[name] = convert(text)
        except ValueError:
            return self._carefully(line)
        return texts, row, ""

    def _carefully(self, line: bytes) -> tuple[Sequence[Text], Item, str]:
        """Read value by value."""
        texts = [_decoded(field) for field in line[:-1].split(b"\t")]
        row: Item = {}
        unfit = ""
        for (name, convert), text in zip(self._columns, texts, strict=True):
            try:
                given = text.decode() if isinstance(text, bytes) else text
                row[name] = given if given is None or convert is None else convert(given)
            except ValueError as error:
                unfit, row[name] = unfit_value(name, text or "", error)
        return texts, row, unfit
