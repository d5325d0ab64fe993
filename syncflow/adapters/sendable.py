"""Can this request be put on the wire? Pure; asked of every request before it is sent, in a dry run too.

An address, a header or a body that HTTP cannot carry is the fault of the record it was made from, unless the credentials are at
fault. HTTP clients raise different errors for these, or repair them silently: a path segment ``..`` is resolved away, and the request
reaches another record.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from types import NoneType
from urllib.parse import unquote, urlsplit

import orjson

from syncflow.errors import DataError
from syncflow.events import Json

MAX_ADDRESS_BYTES = 65_536
MAX_HEADER_BYTES = 65_536
"""Servers refuse headers of a fourth of this; a value that is longer is no token."""
MAX_TOKEN_BYTES = 16_384
"""Servers take headers of 8 kB to 16 kB in all: a token that is longer is refused by all of them, so that a check says so."""
_NOT_IN_HEADERS = re.compile(r"[^\t\x20-\x7e]")
_NOT_IN_ADDRESSES = re.compile(r"[\x00-\x1f\x7f]")


class UnsendableError(DataError):
    """A request cannot be put on the wire; ``part`` is the code of its dead letter."""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(message)
        self.part = part


def check_address(url: str) -> None:
    """Refuse an address that is too long, holds characters that no address can, or has a path segment that means another place.

    Raises:
        UnsendableError: says which.
    """
    try:
        size = len(url) if url.isascii() else len(url.encode())
    except UnicodeEncodeError:
        raise UnsendableError("address", "the address holds a character that cannot be encoded") from None
    if size > MAX_ADDRESS_BYTES:
        raise UnsendableError("address", f"the address is {size} bytes long; {MAX_ADDRESS_BYTES} are allowed")
    if _NOT_IN_ADDRESSES.search(url):
        raise UnsendableError("address", "the address holds a control character")
    try:
        parts = urlsplit(url)
        readable = parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        readable = False
    if not readable:
        raise UnsendableError("address", "the address cannot be read")
    _check_segments(parts.path)


def _check_segments(path: str) -> None:
    if "//" in path:
        raise UnsendableError("address", "the path of the address has an empty segment")
    if "/." in path or "%2" in path:
        for segment in path.split("/"):
            if unquote(segment) in {".", ".."}:
                raise UnsendableError("address", f"the path of the address has the segment {unquote(segment)}")


def check_headers(headers: Iterable[tuple[str, str]], *, most: int = MAX_HEADER_BYTES) -> None:
    """Refuse header values with control characters or characters that are not ASCII, or that are absurdly long.

    Raises:
        UnsendableError: names the header.
    """
    for name, value in headers:
        if len(value) > most:
            message = f"the value of the header {name} is {len(value)} characters long; {most} are allowed"
            raise UnsendableError("header", message)
        if _NOT_IN_HEADERS.search(value):
            message = f"the value of the header {name} holds a control character or a character that is not ASCII"
            raise UnsendableError("header", message)


def json_body(value: Json) -> bytes:
    """Return a value as JSON.

    Raises:
        UnsendableError: it holds text that cannot be encoded, or a number that JSON does not have.
    """
    try:
        body = orjson.dumps(value)
    except TypeError:
        raise UnsendableError("body", "the body holds a value that cannot be written as JSON") from None
    if b"null" in body and _has_no_number(value):  # JSON has no NaN; orjson writes null, which would clear the field
        raise UnsendableError("body", "the body holds a number that is not finite")
    return body


_NEVER_ODD = frozenset({str, int, bool, NoneType})


def _has_no_number(value: Json) -> bool:
    """Whether a number that is not finite stands anywhere in a value; a look at each leaf would take as long as writing the JSON."""
    within = value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,)
    if _NEVER_ODD.issuperset(map(type, within)):  # so it is of nearly all that a mapping makes
        return False
    for each in within:
        if isinstance(each, float):
            if not math.isfinite(each):
                return True
        elif isinstance(each, dict | list) and _has_no_number(each):
            return True
    return False
