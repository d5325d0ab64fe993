"""Blocks into lines: whatever the cuts, the same lines; whatever the line, its place and at most its own loss."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow.events import Position, Raw
from syncflow.sources.lines import LineSplitter


def split(*blocks: bytes, max_event: int = 100) -> list[Raw]:
    splitter = LineSplitter("p", max_event=max_event)
    found = [raw for block in blocks for raw in splitter.feed(block)]
    return found + splitter.finish()


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"a", [(b"a", 1, 1)], id="no newline at the end"),
        pytest.param(b"a\nb\n", [(b"a", 2, 1), (b"b", 4, 2)], id="two lines"),
        pytest.param(b"a\r\nb\r\n", [(b"a", 3, 1), (b"b", 6, 2)], id="CRLF"),
        pytest.param(b"a\r\nb\r", [(b"a", 3, 1), (b"b", 5, 2)], id="CR at the end"),
        pytest.param(b"\n\na\n \t\n\r\nb", [(b"a", 4, 3), (b"b", 10, 6)], id="blank lines count and are skipped"),
        pytest.param(b"\xef\xbb\xbfa\nb\n", [(b"a", 5, 1), (b"b", 7, 2)], id="byte-order mark"),
        pytest.param(
            b"\xef\xbb\xbf\n\xef\xbb\xbfb\n", [(b"\xef\xbb\xbfb", 9, 2)], id="a mark is one at the start only"
        ),
        pytest.param("ä\u2028b\n".encode(), [("ä\u2028b".encode(), 7, 1)], id="a Unicode line separator is text"),
    ],
)
def test_lines_have_their_text_end_and_number(text: bytes, lines: list[tuple[bytes, int, int]]) -> None:
    assert [(raw.body, raw.position.offset, raw.position.line) for raw in split(text)] == lines
    assert [raw.broken for raw in split(text)] == [""] * len(lines)


@given(
    st.lists(
        st.sampled_from([b"a", b"\n", b"\r\n", b"\xc3\xa4", b"\xff", b"\xef\xbb\xbf", b"x" * 30, b" "]), max_size=40
    ),
    st.lists(st.integers(0, 200), max_size=10),
)
def test_where_blocks_are_cut_changes_nothing(pieces: list[bytes], cuts: list[int]) -> None:
    text = b"".join(pieces)
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    blocks = [text[start:end] for start, end in pairwise(places)]
    assert split(*blocks, max_event=50) == split(text, max_event=50)


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_every_line_that_is_not_blank_comes_out_once(lines: list[bytes]) -> None:
    lines = [line.replace(b"\n", b"") for line in lines]
    found = split(*(line + b"\n" for line in lines), max_event=40)
    assert len(found) == sum(
        bool(line.removeprefix(b"\xef\xbb\xbf" if not n else b"").strip()) for n, line in enumerate(lines)
    )


def test_a_line_that_is_not_utf_8_is_broken_and_the_others_are_not() -> None:
    first, second, third = split(b'{"a":1}\n{"b":"\xe9"}\n{"c":3}\n')
    assert (first.broken, third.broken) == ("", "")
    assert second.broken == "not UTF-8 at byte 7 of the line"
    assert (second.body, second.length, second.position.line) == (b'{"b":"\xe9"}', 9, 2)


@pytest.mark.parametrize("size", [101, 4096, 4097, 300_000, 50_000_000])
@pytest.mark.parametrize("block", [1_000, 262_144])
def test_a_line_that_is_too_long_leaves_its_head_length_and_hash(size: int, block: int) -> None:
    if size / block > 1_000:
        block = 262_144
    splitter = LineSplitter("p", max_event=100)
    long = b"x" * size
    text = b"before\n" + long + b"\nafter\n"
    found: list[Raw] = []
    for start in range(0, len(text), block):
        found += splitter.feed(text[start : start + block])
        assert splitter.held_bytes <= 104
    before, broken, after = found
    assert (before.body, after.body) == (b"before", b"after")
    assert broken.broken == "longer than max_event, which is 100 bytes"
    assert (broken.body, broken.length) == (long[:4096], size)
    assert broken.sha256 == hashlib.sha256(long).hexdigest()
    assert after.position == Position("p", len(text), 3)


def test_a_line_as_long_as_allowed_is_whole() -> None:
    assert [raw.broken for raw in split(b"x" * 100 + b"\r\n", b"y" * 100)] == ["", ""]


def test_lines_of_blanks_are_no_events_within_a_block() -> None:
    splitter = LineSplitter("p", max_event=100)
    assert [raw.body for raw in splitter.feed(b'{"a": 1}\n  \n\t\n\n{"b": 2}\n')] == [b'{"a": 1}', b'{"b": 2}']
