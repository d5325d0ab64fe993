"""The tables of a job: what was uploaded, and what is told of its records afterwards, as CSV in the job's own dialect."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from .entity import Entity

Row = list[str]

DELIMITERS = {"COMMA": ",", "TAB": "\t", "SEMICOLON": ";", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
_NULL = "#N/A"


def value_of(cell: str) -> str | None:
    """The value that a cell which is not empty stands for."""
    return None if cell == _NULL else cell


def read_rows(content: bytes, asked: Mapping[str, str], entity: Entity) -> tuple[list[str], list[Row], str]:
    """Read an uploaded table: its header, its rows, and why the job as a whole fails, if it does."""
    ending, wanted = b"\r\n" if b"\r\n" in content else b"\n", asked["lineEnding"]
    if content and ending.decode() != LINE_ENDINGS[wanted]:
        text = f"LineEnding is invalid on user data. Current LineEnding setting is {wanted}"
        return [], [], f"ClientInputError : {text}"
    try:
        text = content.decode("utf-8-sig")
        table = csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[asked["columnDelimiter"]], strict=True)
        header, *rows = [row for row in table if row] or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        return [], [], f"InvalidBatch : the table cannot be read: {error}"
    if not header:
        return [], [], "InvalidBatch : Failed to parse CSV header. The file is empty."
    unknown = next((name for name in header if entity.field(name.split(".")[0].strip()) is None), None)
    if unknown is not None:
        return [], [], f"InvalidBatch : Field name not found : {unknown}"
    odd = next((number for number, row in enumerate(rows, 1) if len(row) != len(header)), None)
    if odd is not None:
        return [], [], f"InvalidBatch : row {odd} has {len(rows[odd - 1])} columns, the header has {len(header)}"
    return [name.strip() for name in header], rows, ""


def written(asked: Mapping[str, str], header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Write a table of results."""
    text = io.StringIO(newline="")
    writer = csv.writer(
        text,
        delimiter=DELIMITERS[asked["columnDelimiter"]],
        lineterminator=LINE_ENDINGS[asked["lineEnding"]],
        quoting=csv.QUOTE_ALL,
    )
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
