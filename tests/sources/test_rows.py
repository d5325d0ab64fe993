"""CSV into rows: quoted line breaks are text, a row that cannot be read costs itself only."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow.config.models.routes import StdinSource
from syncflow.errors import ProjectError
from syncflow.events import Raw
from syncflow.sources.rows import RowSplitter


def split(*blocks: bytes, max_event: int = 100, encoding: Any = None) -> list[Raw]:
    splitter = RowSplitter("p", max_event=max_event, settings=StdinSource(encoding=encoding))
    found = [raw for block in blocks for raw in splitter.feed(block)]
    return found + splitter.finish()


GOOD = [
    pytest.param(b"a,b\n1,2\n", [({"a": "1", "b": "2"}, 2)], id="plain"),
    pytest.param(b"a,b\r\n1,\r\n", [({"a": "1", "b": None}, 2)], id="CRLF and an empty cell"),
    pytest.param(b'a,b\n"1,1","x ""y"""\n', [({"a": "1,1", "b": 'x "y"'}, 2)], id="quoted comma and quotes"),
    pytest.param(
        b'a,b\n1,"x\ny\n\nz"\n3,4', [({"a": "1", "b": "x\ny\n\nz"}, 2), ({"a": "3", "b": "4"}, 6)], id="line breaks"
    ),
    pytest.param(
        b'a,b\n1,5" pipe\n2,x', [({"a": "1", "b": '5" pipe'}, 2), ({"a": "2", "b": "x"}, 3)], id="stray quote"
    ),
    pytest.param(b"\xef\xbb\xbfa , b\n1,2\n", [({"a": "1", "b": "2"}, 2)], id="byte-order mark, spaced names"),
    pytest.param(b"a,b\n\n1,2\n\n", [({"a": "1", "b": "2"}, 3)], id="blank lines"),
    pytest.param(b'a\n""\n', [({"a": ""}, 2)], id="a quoted empty cell is a row"),
    pytest.param(b"a\n007\n", [({"a": "007"}, 2)], id="numbers stay text"),
]
DELIMITED = [
    pytest.param(b'a;b\n"1;1";2,5\n', id="semicolons, as Excel writes them in German"),
    pytest.param(b"a\tb\n1;1\t2,5\n", id="tabs"),
    pytest.param(b"a|b\n1;1|2,5\n", id="bars"),
    pytest.param(b'\xef\xbb\xbfsep=;\r\na;b\r\n"1;1";2,5\r\n', id="told by a line sep="),
    pytest.param(b'"a";"b"\n"1;1";"2,5"\n', id="quoted semicolons"),
]


@pytest.mark.parametrize("text", DELIMITED)
def test_the_delimiter_is_found_out_from_the_first_row(text: bytes) -> None:
    whole = split(text)
    assert [json.loads(raw.body) for raw in whole] == [{"a": "1;1", "b": "2,5"}]
    assert split(*(bytes([byte]) for byte in text)) == whole


def test_commas_inside_quotes_do_not_count_as_delimiters() -> None:
    assert [json.loads(raw.body) for raw in split(b'"a,b,c";d\n1;2\n')] == [{"a,b,c": "1", "d": "2"}]


def test_a_delimiter_that_is_told_is_not_guessed() -> None:
    splitter = RowSplitter("p", max_event=100, settings=StdinSource(delimiter=";"))
    assert [json.loads(raw.body) for raw in splitter.feed(b"a,b,c;d\n1;2\n")] == [{"a,b,c": "1", "d": "2"}]


BROKEN = [
    pytest.param(b"a,b,c\n1,2\n3,4,5\n", 2, "expected 3 cells as in the first row, found 2", id="too few"),
    pytest.param(b"a,b\n1,2,3\n3,4\n", 2, "expected 2 cells as in the first row, found 3", id="too many"),
    pytest.param(b'a,b\n1,"2"x\n3,4\n', 2, "text follows the closing quote of cell 2", id="text after a quote"),
    pytest.param(b'a,b\n1,"2\n3,4\n', 2, "a quote opens in this line and is not closed", id="open quote"),
    pytest.param(b"a,b\n1,\xff\n3,4\n", 2, "not UTF-8 at byte 3 of the line", id="not UTF-8"),
    pytest.param(
        b'a,b\n1,"x\n\xff"\n3,4\n', 2, "a quote opens in this line and is not closed", id="not UTF-8 in quotes"
    ),
    pytest.param(b"a,b\n1," + b"x" * 200 + b"\n3,4\n", 2, "longer than max_event, which is 100 bytes", id="too long"),
]


@pytest.mark.parametrize(("text", "rows"), GOOD)
def test_a_row_becomes_an_object_of_its_columns_as_text(text: bytes, rows: list[tuple[object, int]]) -> None:
    assert [(json.loads(raw.body), raw.position.line) for raw in split(text)] == rows
    assert split(text)[-1].position.offset <= len(text)


@pytest.mark.parametrize(("text", "line", "why"), BROKEN)
def test_a_row_that_cannot_be_read_says_where_and_why(text: bytes, line: int, why: str) -> None:
    found = split(text, encoding="utf-8")
    assert (found[0].broken, found[0].position.line) == (why, line)
    assert list(json.loads(found[-1].body).items())[:2] == [("a", "3"), ("b", "4")]


def test_a_quote_that_is_never_closed_costs_its_own_line() -> None:
    rows = b"".join(b"%d,x\n" % number for number in range(500))
    broken, *others = split(b'a,b\n1,"open\n' + rows, max_event=100)
    assert broken.broken == "a quote opens in this line and is not closed"
    assert [json.loads(raw.body)["a"] for raw in others] == [str(number) for number in range(500)]


HEADERS = [
    pytest.param(b"a,a\n1,2\n", "the CSV: the header names the column `a` twice", id="doubled"),
    pytest.param(b" , \n1,2\n", "the CSV: line 1 names no column, expected the header", id="no name"),
    pytest.param(
        b"\xff\n1\n", "the CSV: the header (line 1) cannot be read: not UTF-8 at byte 1 of the line", id="not UTF-8"
    ),
    pytest.param(
        b'"a\n',
        "the CSV: the header (line 1) cannot be read: a quote opens in this line and is not closed",
        id="open quote",
    ),
]


@pytest.mark.parametrize(("text", "message"), HEADERS)
def test_a_first_row_that_names_no_columns_is_the_files_fault(text: bytes, message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        split(text, encoding="utf-8")
    assert caught.value.message == message


CELL = st.text(st.sampled_from('ab,"\n ä'), max_size=6)


@given(st.lists(st.tuples(CELL, CELL), max_size=8), st.integers(1, 9))
def test_what_a_csv_writer_writes_is_read_as_it_was(rows: list[tuple[str, str]], block: int) -> None:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])
    text = written.getvalue().encode()
    found = split(*(text[at : at + block] for at in range(0, len(text), block)))
    assert [json.loads(raw.body) for raw in found] == [{"a": a, "b": b} for a, b in rows]
    assert not rows or found[-1].position.offset == len(text)


def split_escaped(*blocks: bytes) -> list[Raw]:
    splitter = RowSplitter("p", max_event=1000, settings=StdinSource(delimiter=",", escape="\\"))
    return [raw for block in blocks for raw in splitter.feed(block)] + splitter.finish()


ESCAPED = [
    pytest.param(rb'1,"x \"y\", z"', {"a": "1", "b": 'x "y", z'}, id="quotes"),
    pytest.param(rb'"1\\","2"', {"a": "1\\", "b": "2"}, id="itself before a quote"),
    pytest.param(rb"1\,5,2", {"a": "1,5", "b": "2"}, id="a delimiter that is not quoted"),
    pytest.param(rb"\N,C:\new", {"a": None, "b": "C:\\new"}, id="text before anything else, and null"),
    pytest.param(rb'1,"x ""y"" \"z\""', {"a": "1", "b": 'x "y" "z"'}, id="doubled beside escaped"),
    pytest.param(b'1,"x\\"\ny"', {"a": "1", "b": 'x"\ny'}, id="a quote before a line break"),
    pytest.param(b'1,"x\\\ny"', {"a": "1", "b": "x\ny"}, id="a line break"),
    pytest.param(rb"1,x\"", {"a": "1", "b": 'x"'}, id="a quote of a cell without quotes"),
]


@pytest.mark.parametrize(("row", "item"), ESCAPED)
def test_a_character_that_is_escaped_is_text(row: bytes, item: dict[str, Any]) -> None:
    whole = b"a,b\n3,4\n" + row + b"\n5,6\n"
    found = split_escaped(whole)
    assert [json.loads(raw.body) for raw in found] == [{"a": "3", "b": "4"}, item, {"a": "5", "b": "6"}]
    assert split_escaped(*(bytes([byte]) for byte in whole)) == found


def test_text_behind_an_escaped_cell_costs_its_row_only() -> None:
    found = split_escaped(b'a,b\n1,2\n3,"x\\"" y\n5,6\n')
    assert [raw.broken for raw in found] == ["", "text follows the closing quote of cell 2", ""]


ESCAPED_CELLS = st.text("ab\"',\\\n ", max_size=6)


@given(st.lists(st.tuples(ESCAPED_CELLS, ESCAPED_CELLS), min_size=1, max_size=5))
def test_rows_that_python_writes_with_escapes_come_out_as_they_were(rows: list[tuple[str, str]]) -> None:
    """Law 2 of cells: the text that was written is the text that expressions see."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=csv.QUOTE_ALL, doublequote=False, escapechar="\\", lineterminator="\n")
    writer.writerow(("a", "b"))
    writer.writerows(rows)
    found = [json.loads(raw.body) for raw in split_escaped(written.getvalue().encode())]
    assert found == [{"a": a, "b": b} for a, b in rows]
