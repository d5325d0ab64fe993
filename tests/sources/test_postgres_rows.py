"""How rows of PostgreSQL are read, from lines of COPY and from messages of pgoutput: the same values, whichever way they come."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow.events import Json
from syncflow.sources.postgres.copied_rows import RowReader
from syncflow.sources.postgres.pgoutput import Decoder, RowChange
from syncflow.sources.postgres.values import Types

TEXT, INT, ZONED, TEXTS = 25, 20, 1184, 1009

COLUMNS = (("id", TEXT), ("count", INT), ("name", TEXT), ("at", ZONED))


def lengthed(text: bytes) -> bytes:
    return b"t" + len(text).to_bytes(4, "big") + text


def relation(columns: Sequence[tuple[str, int]]) -> bytes:
    head = b"R" + (0x4081).to_bytes(4, "big") + b"public\0people\0d" + len(columns).to_bytes(2, "big")
    each = (b"\x01" + name.encode() + b"\0" + oid.to_bytes(4, "big") + b"\xff" * 4 for name, oid in columns)
    return head + b"".join(each)


def insert(columns: Sequence[tuple[str, int]], texts: Sequence[bytes | None]) -> RowChange:
    """Return what is read from the message of an insert."""
    decoder = Decoder(Types())
    decoder.decode(relation(columns))
    values = b"".join(b"n" if text is None else lengthed(text) for text in texts)
    found = decoder.decode(b"I" + (0x4081).to_bytes(4, "big") + b"N" + len(columns).to_bytes(2, "big") + values)
    assert isinstance(found, RowChange)
    return found


def copied(text: bytes | None) -> bytes:
    if text is None:
        return b"\\N"
    for plain, escaped in (
        (b"\\", b"\\\\"),
        (b"\t", b"\\t"),
        (b"\n", b"\\n"),
        (b"\r", b"\\r"),
        (b"\b", b"\\b"),
        (b"\f", b"\\f"),
        (b"\v", b"\\v"),
    ):
        text = text.replace(plain, escaped)
    return text


def line(columns: Sequence[tuple[str, int]], texts: Sequence[bytes | None]) -> tuple[Json, str]:
    """Return what is read from a line of COPY."""
    reader = RowReader([(name, Types().convert(oid)) for name, oid in columns])
    _, row, unfit = reader.read(b"\t".join(map(copied, texts)) + b"\n")
    return row, unfit


ROWS: dict[str, tuple[tuple[bytes | None, ...], tuple[Json, ...], str]] = {
    "plain": ((b"A1", b"7", b"Ada", b"2026-01-02 03:04:05.6+00"), ("A1", 7, "Ada", "2026-01-02T03:04:05.6+00:00"), ""),
    "null": ((b"A1", None, None, None), ("A1", None, None, None), ""),
    "empty": ((b"", b"0", b"", None), ("", 0, "", None), ""),
    "the word for null": ((b"\\N", b"1", b"N", None), ("\\N", 1, "N", None), ""),
    "separators": ((b"a\tb\nc\\d\\n", b"1", b"\r\b\f\v", None), ("a\tb\nc\\d\\n", 1, "\r\b\f\v", None), ""),
    "not ASCII": (("Zoë".encode(), b"1", "数据".encode(), None), ("Zoë", 1, "数据", None), ""),
    "long": ((b"x" * 300, b"1", b"y" * 70_000, None), ("x" * 300, 1, "y" * 70_000, None), ""),
    "of long ago": (
        (b"A", b"1", b"t", b"1850-01-01 00:00:00-00:01:15"),
        ("A", 1, "t", "1850-01-01T00:00:00-00:01:15"),
        "",
    ),
    "unfit": (
        (b"A", b"1", b"t", b"infinity"),
        ("A", 1, "t", "infinity"),
        "column at holds a time that ISO 8601 cannot write",
    ),
    "unfit, not ASCII": (
        (b"A", b"1", "é".encode(), b"0044-03-15 00:00:00+00 BC"),
        ("A", 1, "é", "0044-03-15 00:00:00+00 BC"),
        "column at holds a time that ISO 8601 cannot write",
    ),
    "no UTF-8": (
        (b"A\xff", b"1", b"t", None),
        ("A\ufffd", 1, "t", None),
        "column id holds a value that cannot be read",
    ),
    "no UTF-8 beside null and separators": (
        (b"a\tb\\", b"1", b"\xfe", None),
        ("a\tb\\", 1, "\ufffd", None),
        "column name holds a value that cannot be read",
    ),
}


@pytest.mark.parametrize("case", ROWS)
def test_a_row_is_read_the_same_from_a_line_and_from_a_message(case: str) -> None:
    texts, values, unfit = ROWS[case]
    wanted = dict(zip((name for name, _ in COLUMNS), values, strict=True))
    assert line(COLUMNS, texts) == (wanted, unfit)
    change = insert(COLUMNS, texts)
    assert (change.new, change.unfit) == (wanted, unfit)


@given(st.lists(st.none() | st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=1, max_size=6))
def test_any_text_is_read_as_it_is(texts: list[str | None]) -> None:
    columns = [(f"c{place}", TEXT) for place in range(len(texts))]
    given_texts = [None if text is None else text.encode() for text in texts]
    wanted = dict(zip((name for name, _ in columns), texts, strict=True))
    assert line(columns, given_texts) == (wanted, "")
    assert insert(columns, given_texts).new == wanted


def test_an_update_tells_the_key_before_and_what_was_not_sent() -> None:
    columns = (("id", TEXT), ("notes", TEXT), ("count", INT))
    decoder = Decoder(Types())
    decoder.decode(relation(columns).replace(b"\x01notes", b"\x00notes").replace(b"\x01count", b"\x00count"))
    before = b"K\0\x03" + lengthed(b"A1") + b"nn"
    after = b"N\0\x03" + lengthed("Ä2".encode()) + b"u" + lengthed(b"8")
    change = decoder.decode(b"U" + (0x4081).to_bytes(4, "big") + before + after)
    assert isinstance(change, RowChange)
    assert (change.old, change.new, change.unchanged) == ({"id": "A1"}, {"id": "Ä2", "count": 8}, ("notes",))


def test_arrays_keep_commas_quotes_and_nulls_apart() -> None:
    texts = b'[0:4]={a,"b,\\"c\\\\",NULL,"NULL",{"\xc3\xa9"}}'
    wanted = ["a", 'b,"c\\', None, "NULL", ["é"]]
    assert line((("all", TEXTS),), (texts,)) == ({"all": wanted}, "")
    assert insert((("all", TEXTS),), (texts,)).new == {"all": wanted}
