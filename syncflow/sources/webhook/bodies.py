"""The body of a request → the events in it, each as the sender wrote it.

An object is one event, an array several, lines of objects several. Nothing is decoded and written again, so that large
numbers keep every digit. All or nothing: one entry that is no object refuses the whole body.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn

from syncflow.errors import DataError

_SPACE = re.compile(r"[ \t\r\n]*")


def _refuse_constant(word: str) -> NoReturn:
    raise DataError(f"not JSON: {word} is not a JSON number")


# Numbers stay text: only where they end matters here, and turning a million digits into an integer takes minutes.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse_constant)


def events_of(body: bytes, *, is_lines: bool = False) -> list[bytes]:
    """Return the events; ``is_lines`` where the sender declares one JSON object a line.

    Raises:
        DataError: the body is not what it should be; the message says where, and repeats nothing of it.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 at byte {error.start + 1}") from error
    start = _skip(text, 0)
    if start == len(text):
        raise DataError("the body is empty, expected an event")
    if is_lines:
        return _lines(text)
    return _array(text, start) if text[start] == "[" else _objects(text, start)


def _objects(text: str, start: int) -> list[bytes]:
    """One object, or several each on a line of its own."""
    end = _object_end(text, start, name="the body")
    rest = _skip(text, end)
    if rest == len(text):
        return [text[start:end].encode()]
    if "\n" in text[end:rest]:
        return _lines(text)
    raise DataError(f"not JSON: {_place(text, rest)}: expected the end of the body after the event")


def _lines(text: str) -> list[bytes]:
    events = []
    for number, line in enumerate(text.split("\n"), start=1):
        start = _skip(line, 0)
        if start == len(line):
            continue
        end = _object_end(line, start, name=f"line {number}", first_line=number)
        rest = _skip(line, end)
        if rest < len(line):
            raise DataError(f"not JSON: {_place(line, rest, first_line=number)}: expected one object a line")
        events.append(line[start:end].encode())
    return events


def _array(text: str, start: int) -> list[bytes]:
    events: list[bytes] = []
    at = _skip(text, start + 1)
    if text.startswith("]", at):
        raise DataError("the array is empty, expected an event")
    while True:
        end = _object_end(text, at, name=f"entry {len(events) + 1} of the array")
        events.append(text[at:end].encode())
        at = _skip(text, end)
        if text.startswith("]", at):
            break
        if not text.startswith(",", at):
            raise DataError(f"not JSON: {_place(text, at)}: expected , or ] after entry {len(events)} of the array")
        at = _skip(text, at + 1)
    rest = _skip(text, at + 1)
    if rest < len(text):
        raise DataError(f"not JSON: {_place(text, rest)}: expected the end of the body after the array")
    return events


def _object_end(text: str, start: int, *, name: str, first_line: int = 1) -> int:
    try:
        _, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON: {_place(text, error.pos, first_line=first_line)}: {error.msg}") from error
    except RecursionError as error:
        raise DataError(f"not JSON: {name} is nested too deeply") from error
    if text[start] != "{":
        raise DataError(f'{name} is not an object, expected an event such as {{"record": …}}')
    return end


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _place(text: str, at: int, *, first_line: int = 1) -> str:
    return f"line {first_line + text.count(chr(10), 0, at)}, column {at - text.rfind(chr(10), 0, at)}"
