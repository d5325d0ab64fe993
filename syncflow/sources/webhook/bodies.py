"""The body of a request → the events in it, each as the sender wrote it.

An object is one event, an array several, lines of objects several. Nothing is decoded and written again, so that large
numbers keep every digit. One bad entry (not an object, too long, a line that is not JSON) is its own dead letter, and the others are
taken; a body without a good entry, or whose entries cannot be told apart, is refused as a whole.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, NoReturn

from syncflow.errors import DataError


class Entry(NamedTuple):
    """A part of a body that should be an event; ``broken`` says why it is not, with its place, and repeats nothing of it."""

    body: bytes
    broken: str = ""


class TooLargeError(DataError):
    """A body whose entries are all larger than an event may be, or too many."""


_SPACE = re.compile(r"[ \t\r\n]*")


def _refuse_constant(word: str) -> NoReturn:
    raise DataError(f"not JSON: {word} is not a JSON number")


# Numbers stay text: only where they end matters here, and turning a million digits into an integer takes minutes.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse_constant)


MOST_BROKEN = 1000
"""A body with more bad entries is refused as a whole: its sender cannot have meant it."""

MOST_ENTRIES = 200_000
"""A body with more entries is refused; they would take minutes, and no sender's batch is as large."""


def entries_of(body: bytes, *, is_lines: bool = False, max_event: int | None = None) -> Iterator[Entry]:
    """Yield the entries, good and bad; ``is_lines`` where the sender declares one JSON object a line.

    It does as much work as is asked for: a large body is taken apart in turns.

    Raises:
        DataError: the body as a whole cannot be read; the message says where, and repeats nothing of it.
        TooLargeError: it has too many entries.
    """
    broken = 0
    for number, entry in enumerate(_entries(body, is_lines=is_lines), 1):
        bounded = _bounded(entry, number, max_event)
        broken += bool(bounded.broken)
        if broken > MOST_BROKEN:
            raise DataError(
                f"more than {MOST_BROKEN} entries of the body are no events, the last one: {bounded.broken}"
            )
        if number > MOST_ENTRIES:
            raise TooLargeError(f"the body has more than {MOST_ENTRIES} events")
        yield bounded


def check_entries(entries: Sequence[Entry], *, max_event: int | None = None) -> None:
    """Check that one entry at least is good.

    Raises:
        DataError: none is. ``TooLargeError`` where all are too large.
    """
    if not all(entry.broken for entry in entries):
        return
    is_large = max_event is not None and all(len(entry.body) > max_event for entry in entries)
    raise (TooLargeError if is_large else DataError)(entries[0].broken)


def _bounded(entry: Entry, number: int, max_event: int | None) -> Entry:
    if entry.broken or max_event is None or len(entry.body) <= max_event:
        return entry
    return Entry(entry.body, f"event {number} is larger than max_event, which is {max_event} bytes")


def _entries(body: bytes, *, is_lines: bool) -> Iterator[Entry]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if is_lines:
            return _lines(body)
        raise DataError(f"not UTF-8 at byte {error.start + 1}") from error
    start = _skip(text, 0)
    if start == len(text):
        raise DataError("the body is empty, expected an event")
    if is_lines:
        return _lines(body)
    return _array(text, start) if text[start] == "[" else _objects(text, start, body)


def _objects(text: str, start: int, body: bytes) -> Iterator[Entry]:
    """One object, or several each on a line of its own."""
    end = _object_end(text, start, name="the body")
    rest = _skip(text, end)
    if rest == len(text):
        return iter([_entry(text[start:end], name="the body")])
    if "\n" in text[end:rest]:
        return _lines(body)
    raise DataError(f"not JSON: {_place(text, rest)}: expected the end of the body after the event")


def _lines(body: bytes) -> Iterator[Entry]:
    at, number = len(codecs.BOM_UTF8) if body.startswith(codecs.BOM_UTF8) else 0, 0
    while at < len(body):
        end = body.find(b"\n", at)
        end = len(body) if end < 0 else end
        number += 1
        line = body[at:end]
        if line.strip(b" \t\r"):
            yield _line(line, number)
        at = end + 1


def _line(line: bytes, number: int) -> Entry:
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        return Entry(line, f"line {number} is not UTF-8 at its byte {error.start + 1}")
    start = _skip(text, 0)
    try:
        end = _object_end(text, start, name=f"line {number}", first_line=number)
    except DataError as error:
        return Entry(line, error.message)
    rest = _skip(text, end)
    if rest < len(text):
        return Entry(line, f"not JSON: {_place(text, rest, first_line=number)}: expected one object a line")
    return _entry(text[start:end], name=f"line {number}")


def _entry(text: str, *, name: str) -> Entry:
    is_object = text.startswith("{")
    return Entry(
        text.encode(), "" if is_object else f'{name} is not an object, expected an event such as {{"record": …}}'
    )


def _array(text: str, start: int) -> Iterator[Entry]:
    number, at = 0, _skip(text, start + 1)
    if text.startswith("]", at):
        raise DataError("the array is empty, expected an event")
    while True:
        number += 1
        name = f"entry {number} of the array"
        end = _object_end(text, at, name=name)
        yield _entry(text[at:end], name=name)
        at = _skip(text, end)
        if text.startswith("]", at):
            break
        if not text.startswith(",", at):
            raise DataError(f"not JSON: {_place(text, at)}: expected , or ] after entry {number} of the array")
        at = _skip(text, at + 1)
    rest = _skip(text, at + 1)
    if rest < len(text):
        raise DataError(f"not JSON: {_place(text, rest)}: expected the end of the body after the array")


def _object_end(text: str, start: int, *, name: str, first_line: int = 1) -> int:
    try:
        _, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON: {_place(text, error.pos, first_line=first_line)}: {error.msg}") from error
    except RecursionError as error:
        raise DataError(f"not JSON: {name} is nested too deeply") from error
    return end


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _place(text: str, at: int, *, first_line: int = 1) -> str:
    return f"line {first_line + text.count(chr(10), 0, at)}, column {at - text.rfind(chr(10), 0, at)}"
