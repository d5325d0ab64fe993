"""The body of a request: one event, an array, or lines; taken as written, or refused with the place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow.errors import DataError
from syncflow.sources.webhook.bodies import MOST_BROKEN, MOST_ENTRIES, Entry, TooLargeError, check_entries, entries_of


def events_of(body: bytes, *, is_lines: bool = False, max_event: int | None = None) -> list[Entry]:
    entries = list(entries_of(body, is_lines=is_lines, max_event=max_event))
    check_entries(entries, max_event=max_event)
    return entries


GOOD = [
    pytest.param('{"a": 1}', ['{"a": 1}'], id="an event"),
    pytest.param('\ufeff \r\n{"a": 1}\n ', ['{"a": 1}'], id="byte-order mark and space around"),
    pytest.param('{\n "a": 1\n}', ['{\n "a": 1\n}'], id="on several lines"),
    pytest.param(' [ {"a": 1} ,{"b":[2]}\n]\n', ['{"a": 1}', '{"b":[2]}'], id="an array"),
    pytest.param('{"a": 1}\n{"b": 2}\n', ['{"a": 1}', '{"b": 2}'], id="lines by their shape"),
    pytest.param('{"a": 1}\r\n\r\n {"b": 2} \r\n', ['{"a": 1}', '{"b": 2}'], id="lines with CRLF, blanks and space"),
    pytest.param('{"a": 123456789012345678901234567890.10}', ['{"a": 123456789012345678901234567890.10}'], id="digits"),
    pytest.param(f'{{"a": {"9" * 100_000}}}', [f'{{"a": {"9" * 100_000}}}'], id="a number of 100,000 digits"),
    pytest.param('{"a": "\\u00e4\\ud800"}', ['{"a": "\\u00e4\\ud800"}'], id="escapes"),
]
BAD = [
    pytest.param(b"", "the body is empty, expected an event", id="empty"),
    pytest.param(b" \n", "the body is empty, expected an event", id="blank"),
    pytest.param(b"\xef\xbb\xbf", "the body is empty, expected an event", id="a mark only"),
    pytest.param(b"[]", "the array is empty, expected an event", id="empty array"),
    pytest.param(b'{"a": \xff}', "not UTF-8 at byte 7", id="not UTF-8"),
    pytest.param(b'{"a": }', "not JSON: line 1, column 7: Expecting value", id="no value"),
    pytest.param(b'{"a": 1', "not JSON: line 1, column 8: Expecting ',' delimiter", id="cut off"),
    pytest.param(
        b'\n{"a": 1} x', "not JSON: line 2, column 10: expected the end of the body after the event", id="more"
    ),
    pytest.param(b'{"a": NaN}', "not JSON: NaN is not a JSON number", id="NaN"),
    pytest.param(b"hello", "not JSON: line 1, column 1: Expecting value", id="words"),
    pytest.param(b"12", 'the body is not an object, expected an event such as {"record": …}', id="a number"),
    pytest.param(
        b"[3, 4]",
        'entry 1 of the array is not an object, expected an event such as {"record": …}',
        id="nothing but numbers in an array",
    ),
    pytest.param(b"[{} {}]", "not JSON: line 1, column 5: expected , or ] after entry 1 of the array", id="no comma"),
    pytest.param(b"[{},]", "not JSON: line 1, column 5: Expecting value", id="comma at the end"),
    pytest.param(b"[{}", "not JSON: line 1, column 4: expected , or ] after entry 1 of the array", id="open array"),
    pytest.param(b"[{}] {}", "not JSON: line 1, column 6: expected the end of the body after the array", id="two"),
    pytest.param(b'{"a":' + b"[" * 100_000, "not JSON: the body is nested too deeply", id="nested without end"),
]


@pytest.mark.parametrize(("text", "events"), GOOD)
def test_events_are_taken_as_they_were_written(text: str, events: list[str]) -> None:
    assert [(entry.body.decode(), entry.broken) for entry in events_of(text.encode())] == [
        (event, "") for event in events
    ]


@pytest.mark.parametrize(("body", "message"), BAD)
def test_a_body_that_is_none_says_where_and_repeats_nothing(body: bytes, message: str) -> None:
    with pytest.raises(DataError) as caught:
        events_of(body)
    assert caught.value.message == message


HALF_GOOD = [
    pytest.param(
        b"[{}, 3]", 'entry 2 of the array is not an object, expected an event such as {"record": …}', id="a number"
    ),
    pytest.param(b'{}\n{"a"\n', "not JSON: line 2, column 5: Expecting ':' delimiter", id="a bad line"),
    pytest.param(b"{}\n{} {}\n", "not JSON: line 2, column 4: expected one object a line", id="two on a line"),
    pytest.param(b"{}\n[]\n", 'line 2 is not an object, expected an event such as {"record": …}', id="a list as line"),
    pytest.param(b'{}\n{"a": "12345678"}', "event 2 is larger than max_event, which is 10 bytes", id="too large"),
    pytest.param(
        b'[{}, {"a": "12345678"}]', "event 2 is larger than max_event, which is 10 bytes", id="too large, in an array"
    ),
]


@pytest.mark.parametrize(("body", "broken"), HALF_GOOD)
def test_one_bad_entry_costs_itself_and_no_other(body: bytes, broken: str) -> None:
    assert [entry.broken for entry in events_of(body, max_event=10)] == ["", broken]


def test_one_declared_line_that_is_not_utf8_costs_itself_and_no_other() -> None:
    entries = events_of(b'{}\n{"a": "\xff"}\n{}', is_lines=True)
    assert [entry.broken for entry in entries] == ["", "line 2 is not UTF-8 at its byte 8", ""]


def test_more_bad_entries_than_a_sender_can_mean_refuse_the_body() -> None:
    assert len(events_of(b"[{}" + b",7" * MOST_BROKEN + b"]")) == MOST_BROKEN + 1
    with pytest.raises(
        DataError, match=r"^more than 1000 entries of the body are no events, the last one: entry 1002 of "
    ):
        events_of(b"[{}" + b",7" * (MOST_BROKEN + 1) + b"]")


def test_a_body_of_too_many_events_is_refused() -> None:
    with pytest.raises(TooLargeError, match=r"^the body has more than 200000 events$"):
        events_of(b"[" + b"{}," * MOST_ENTRIES + b"{}]")


def test_a_body_is_taken_apart_in_turns() -> None:
    assert next(entries_of(b"[{}, ]")) == (b"{}", "")  # what follows is not looked at yet


def test_a_body_whose_events_are_all_too_large_is_refused() -> None:
    with pytest.raises(TooLargeError, match=r"^event 1 is larger than max_event, which is 1 bytes$"):
        events_of(b"[{}, {}]", max_event=1)


def test_declared_lines_are_read_as_lines() -> None:
    assert events_of(b'{"a": 1}\n', is_lines=True) == [(b'{"a": 1}', "")]
    with pytest.raises(DataError, match=r"^not JSON: line 1, column 2: "):
        events_of(b'{\n"a": 1}', is_lines=True)


OBJECT = st.dictionaries(st.text(max_size=4), st.none() | st.integers() | st.text(max_size=5), max_size=3)


@given(st.lists(OBJECT, min_size=1, max_size=5), st.booleans(), st.sampled_from([None, 1]))
def test_array_and_lines_give_the_same_events(
    objects: list[dict[str, object]], ascii_only: bool, indent: int | None
) -> None:
    texts = [json.dumps(one, ensure_ascii=ascii_only) for one in objects]
    assert [json.loads(entry.body) for entry in events_of("\n".join(texts).encode())] == objects
    array = json.dumps(objects, ensure_ascii=ascii_only, indent=indent).encode()
    assert [json.loads(entry.body) for entry in events_of(array)] == objects


@given(st.binary(max_size=30) | st.text(st.sampled_from('{}[],:"1 \n'), max_size=30).map(str.encode))
def test_whatever_the_body_it_is_events_or_a_refusal(body: bytes) -> None:
    try:
        events = events_of(body)
    except DataError:
        return
    assert all(entry.broken or isinstance(json.loads(entry.body), dict) for entry in events)
