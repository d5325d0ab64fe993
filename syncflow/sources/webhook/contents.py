"""The body of a request as it was sent → JSON text in UTF-8: unpacked, its charset read, a form decoded.

Every step is bounded by ``most`` bytes. Knows nothing of events.
"""

from __future__ import annotations

import codecs
import json
import zlib
from collections.abc import Mapping
from email.message import Message
from typing import Final
from urllib.parse import parse_qsl

from syncflow.events import Json
from syncflow.sources.webhook.refusals import Reason

_CHARSETS = ("utf-8", "ascii", "iso8859-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be")
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 1000
_GZIP = b"\x1f\x8b"
_MOST_MEMBERS = 100
_AUTOMATIC_HEADER = 32
"""Added to the window's bits: gzip or zlib, as the data say."""


_REASONS: Final[dict[int, Reason]] = {400: "not_json", 413: "too_large", 415: "encoding"}


class ContentError(Exception):
    """A body that is not read; ``status`` is the answer's. The message repeats nothing of the body."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = _REASONS[status]
        self.message = message


def json_text(body: bytes, *, content_type: str, encoding: str, most: int, form: str | None) -> bytes:
    """Return the JSON text of a body.

    ``form`` names the field of a form that holds JSON; without it a form is an object of its fields.

    Raises:
        ContentError: it is packed, written or put together in a way that is not read, or is larger than ``most``.
    """
    header = Message()
    header["content-type"] = content_type or "application/json"
    kind, charset = header.get_content_type(), header.get_content_charset("utf-8")
    if kind.startswith("multipart/"):
        raise ContentError(415, "multipart bodies are not read, expected JSON or a form")
    body = _in_utf8(_unpacked(body, encoding=encoding.strip().lower(), most=most), charset)
    if kind == _FORM and body.lstrip()[:1] not in (b"{", b"["):
        return _of_form(body, form)
    return body


def with_request(event: bytes, request: Mapping[str, Json]) -> bytes:
    """Return the JSON object ``event`` with ``request`` as its last field: of two fields of one name, the last is read."""
    field = b'"request":' + json.dumps(request).encode() + b"}"
    is_empty = not event[1:-1].strip()
    return event[:-1] + (field if is_empty else b"," + field)


def _unpacked(body: bytes, *, encoding: str, most: int) -> bytes:
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise ContentError(415, "the body is encoded, expected gzip, deflate or none")
    try:
        unpacked = _inflated(body, zlib.MAX_WBITS + _AUTOMATIC_HEADER, most=most)
    except zlib.error:
        if encoding != "deflate":
            raise ContentError(400, f"the body is not {encoding}, as its header says") from None
        unpacked = _raw_deflate(body, most=most)
    if len(unpacked) > most:
        raise ContentError(413, f"the body is unpacked larger than max_body, which is {most} bytes")
    return unpacked


def _raw_deflate(body: bytes, *, most: int) -> bytes:
    try:
        return _inflated(body, -zlib.MAX_WBITS, most=most)
    except zlib.error:
        raise ContentError(400, "the body is not deflate, as its header says") from None


def _inflated(body: bytes, window_bits: int, *, most: int) -> bytes:
    """Return at most one byte more than ``most``. Gzip may have several members, one behind the other (RFC 1952, 2.2)."""
    unpacked, rest, members = b"", body, 0
    while rest and len(unpacked) <= most:
        members += 1
        inflater = zlib.decompressobj(window_bits)
        unpacked += inflater.decompress(rest, most + 1 - len(unpacked))
        if not inflater.eof and len(unpacked) <= most:
            raise ContentError(400, "the packed body is cut off")
        rest = inflater.unused_data
        if rest and (members == _MOST_MEMBERS or not rest.startswith(_GZIP)):
            raise ContentError(400, "more follows the end of the packed body")
    return unpacked


def _in_utf8(body: bytes, charset: str) -> bytes:
    try:
        name = codecs.lookup(charset).name
    except LookupError:
        name = ""
    if name not in _CHARSETS:
        raise ContentError(415, "the charset of the body is not read, expected UTF-8")
    if name == "utf-8":
        return body
    try:
        return body.decode(name).encode()
    except UnicodeError:
        raise ContentError(400, f"the body is not {name}, as its header says") from None


def _of_form(body: bytes, form: str | None) -> bytes:
    if not body.strip():
        return b""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise ContentError(400, f"the form is not read: not UTF-8, or more than {_MOST_FIELDS} fields") from None
    if form is not None:
        held = [value for name, value in pairs if name == form]
        if len(held) != 1:
            raise ContentError(400, f"the form has {'several fields' if held else 'no field'} `{form}`, expected one")
        return held[0].encode()
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return json.dumps({name: values if len(values) > 1 else values[0] for name, values in fields.items()}).encode()
