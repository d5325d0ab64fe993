"""Bodies of answers, decoded as JSON, text, lines or a table. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice

import orjson

from syncflow.adapters.http import HttpResponse
from syncflow.events import Json

TEXT_CHARACTERS = 200
"""How much of an answer that is plain text is the message of a refusal."""
PAGE_ROWS = 1000
"""How many rows of a large table are held at once."""
_HTML = re.compile(r"\s*<(!doctype|html|head|body)\b", re.IGNORECASE)
_EMPTY_IS_GOOD = frozenset({202, 204, 205})
_LOOKED_AT_BYTES = 1000


def decode(answer: HttpResponse) -> tuple[Json, str]:
    """Return the body as JSON and why it is none; an empty body is null and no trouble where the status says so."""
    if answer.broken:
        return None, answer.broken
    if not answer.body.strip():
        return None, "" if answer.status in _EMPTY_IS_GOOD else "it is empty"
    try:
        body: Json = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        start = answer.body.lstrip()[:1]
        kind = "HTML" if start == b"<" else "cut off or not JSON"
        return None, f"it is {kind}"
    return body, ""


def decode_as(kind: str, answer: HttpResponse) -> tuple[Json, str]:
    """Return the body as an adapter says that good answers are, and why it is no such."""
    if kind in {"json", "any"} or answer.broken or not 200 <= answer.status < 300:
        return decode(answer)
    if kind == "csv":
        table = Table(answer.body)
        return ([row for page in table for row in page], "") if not table.trouble else (None, table.trouble)
    text = answer.body.decode("utf-8-sig", "replace")
    if kind == "empty":
        return None, "it has a body" if text.strip() else ""
    if _HTML.match(text):
        return None, "it is HTML"
    return (text.strip(), "") if kind == "text" else _lines_of(answer.body)


class Table:
    """A body of CSV as pages of rows, read anew each time that it is gone through: of a large one no more than a page is held."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.trouble = self._looked_through()
        """Why it is none; empty where it is one."""

    def __iter__(self) -> Iterator[list[Json]]:
        """Yield lists of rows, each an object of column → cell; a cell that a row lacks is null, one too many is left out."""
        rows = self._rows()
        names = next(rows, [])
        cells: Iterator[Json] = (dict(zip(names, _filled(row, len(names)), strict=False)) for row in rows if row)
        while page := list(islice(cells, PAGE_ROWS)):
            yield page

    def _rows(self) -> Iterator[list[str]]:
        text = io.TextIOWrapper(io.BytesIO(self._body), encoding="utf-8-sig", errors="replace", newline="")
        return csv.reader(text)

    def _looked_through(self) -> str:
        if _HTML.match(self._body[:_LOOKED_AT_BYTES].decode("utf-8-sig", "replace")):
            return "it is HTML"
        try:
            for _ in self._rows():
                pass
        except csv.Error as error:
            return f"it is no CSV: {error}"
        return ""


def _filled(row: list[str], length: int) -> list[str | None]:
    return [*row, *[None] * (length - len(row))] if len(row) < length else [*row]


def _lines_of(body: bytes) -> tuple[Json, str]:
    try:
        return [orjson.loads(line) for line in body.splitlines() if line.strip()], ""
    except orjson.JSONDecodeError:
        return None, "one of its lines is no JSON"


def text_of(answer: HttpResponse) -> str:
    """Return the body of a refusal that is text for people; nothing for a page of HTML or what is cut off."""
    text = "" if answer.broken else answer.body[: 8 * TEXT_CHARACTERS].decode("utf-8", "replace").strip()
    return "" if text.startswith(("<", "{", "[")) else " ".join(text.split())
