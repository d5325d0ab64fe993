"""JSON documents: an array or values over several lines, cut alike whatever the blocks, in bounded memory."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow.events import Raw
from syncflow.sources.documents import JsonSplitter

EVENTS = [{"n": 1, "text": 'a "quoted" \\ ] } text'}, {"n": 2, "inner": {"list": [1, [2]]}}, {"n": 3}]
FORMS = {
    "an array in one line": json.dumps(EVENTS),
    "a pretty array": json.dumps(EVENTS, indent=2) + "\n",
    "pretty values": "\n".join(json.dumps(event, indent=2) for event in EVENTS),
    "lines": "\n".join(map(json.dumps, EVENTS)) + "\n",
    "lines with a mark": "\ufeff" + "\n".join(map(json.dumps, EVENTS)),
    "an array with a mark": "\ufeff" + json.dumps(EVENTS, indent="\t"),
}


def split(text: bytes, *, block: int = 1000, max_event: int = 1000) -> list[Raw]:
    splitter = JsonSplitter("p", max_event=max_event)
    found = [raw for at in range(0, len(text), block) for raw in splitter.feed(text[at : at + block])]
    return found + splitter.finish()


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("block", [1, 3, 1000])
def test_the_events_of_a_document_are_read_however_it_is_laid_out(text: str, block: int) -> None:
    assert [json.loads(raw.body) for raw in split(text.encode(), block=block)] == EVENTS


def test_a_value_has_the_line_where_it_begins_and_the_offset_where_it_ends() -> None:
    text = '[\n  {\n    "a": 1\n  },\n  {"b": 2}\n]\n'
    assert [(raw.position.line, text[: raw.position.offset][-1]) for raw in split(text.encode())] == [
        (2, "}"),
        (5, "}"),
    ]


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
def test_reading_goes_on_behind_any_value(text: str) -> None:
    content = text.encode()
    for done in split(content):
        rest = JsonSplitter("p", max_event=1000, offset=done.position.offset, line=content[: done.position.offset].count(b"\n"),
                            first=content[:100])  # fmt: skip
        later = [raw for raw in split(content) if raw.position.offset > done.position.offset]
        assert rest.feed(content[done.position.offset :]) + rest.finish() == later


def test_a_value_that_is_cut_off_is_broken() -> None:
    (raw,) = split(b'{\n  "a": {\n    "b": 1\n  }\n')
    assert (raw.broken, raw.position.line) == ("the file ends inside this JSON value", 1)


def test_a_value_that_is_too_long_costs_itself() -> None:
    text = json.dumps([{"a": "x" * 5000}, {"b": 1}], indent=1).encode()
    for block in (7, 100_000):
        first, second = split(text, block=block)
        assert (first.broken, first.length) == ("longer than max_event, which is 1000 bytes", 5014)
        assert json.loads(second.body) == {"b": 1}


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text() | st.integers() | st.lists(st.text()), max_size=3), max_size=5),
       st.integers(1, 40), st.sampled_from([None, 0, 2]))  # fmt: skip
def test_any_array_is_taken_apart_as_a_parser_does(values: list[object], block: int, indent: int | None) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=False).encode("utf-8", "surrogatepass")
    try:
        text.decode()
    except UnicodeDecodeError:
        return
    assert [json.loads(raw.body) for raw in split(text, block=block, max_event=100_000)] == values
