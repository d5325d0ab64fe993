"""MySQL's binary form of JSON, as the log holds it → the value. Pure. (MariaDB keeps JSON as text.)

Format: the comment at the head of MySQL's ``json_binary.h``: a byte for the type; objects and arrays are tables of offsets.
"""

from __future__ import annotations

import struct
from base64 import b64encode

from syncflow.events import Json
from syncflow.sources.mysql.decimals import decimal_reader
from syncflow.sources.mysql.values import UnfitError, decimal, double

_LITERALS: dict[int, Json] = {0: None, 1: True, 2: False}
_NUMBERS = {5: "<h", 6: "<H", 7: "<i", 8: "<I", 9: "<q", 10: "<Q"}
_DECIMAL, _DATES, _TIME = 246, {7: True, 10: False, 12: True}, 11


def read_binary_json(body: bytes) -> Json:
    """Read a value.

    Raises:
        UnfitError: it is cut off, or of a kind that is not known.
    """
    if not body:
        return None
    try:
        return _value(body[0], body, 1)
    except (IndexError, KeyError, struct.error, UnicodeDecodeError) as error:
        raise UnfitError("JSON that cannot be read") from error


def _value(kind: int, body: bytes, at: int) -> Json:
    if kind <= 3:
        return _collection(body, at, is_large=bool(kind & 1), is_object=kind < 2)
    if kind == 4:
        return _LITERALS[body[at]]
    if kind in _NUMBERS:
        number: int = struct.unpack_from(_NUMBERS[kind], body, at)[0]
        return number
    if kind == 11:
        return double(struct.unpack_from("<d", body, at)[0])
    if kind == 12:
        return _sized(body, at).decode()
    if kind == 15:
        return _opaque(body[at], _sized(body, at + 1))
    raise KeyError(kind)


def _sized(body: bytes, at: int) -> bytes:
    """Read bytes behind their length, which is written in groups of seven bits."""
    length = shift = 0
    while True:
        byte = body[at]
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if at + length > len(body):
        raise IndexError(length)
    return body[at : at + length]


def _collection(body: bytes, at: int, *, is_large: bool, is_object: bool) -> Json:
    form, size = ("<I", 4) if is_large else ("<H", 2)

    def number(place: int) -> int:
        found: int = struct.unpack_from(form, body, place)[0]
        return found

    count, here = number(at), at + 2 * size
    keys = []
    if is_object:
        for _ in range(count):
            start, length = at + number(here), struct.unpack_from("<H", body, here + size)[0]
            keys.append(body[start : start + length].decode())
            here += size + 2
    values = []
    for _ in range(count):
        kind = body[here]
        is_inline = kind in {4, 5, 6} or (is_large and kind in {7, 8})
        values.append(_value(kind, body, here + 1 if is_inline else at + number(here + 1)))
        here += 1 + size
    return dict(zip(keys, values, strict=True)) if is_object else values


def _opaque(kind: int, value: bytes) -> Json:
    if kind == _DECIMAL:
        return decimal(decimal_reader(value[0], value[1])(value, 2)[0])
    if kind in _DATES:
        return _date(int.from_bytes(value[:8], "little"), has_time=_DATES[kind])
    if kind == _TIME:
        return _clock(int.from_bytes(value[:8], "little", signed=True))
    return f"base64:type{kind}:{b64encode(value).decode()}"  # as MySQL itself writes it


def _date(packed: int, *, has_time: bool) -> str:
    fraction, packed = packed & 0xFFFFFF, packed >> 24
    date, clock = packed >> 17, packed & 0x1FFFF
    year, month = divmod(date >> 5, 13)
    day = f"{year:04}-{month:02}-{date & 31:02}"
    if not has_time:
        return day
    return f"{day} {clock >> 12:02}:{clock >> 6 & 63:02}:{clock & 63:02}.{fraction:06}"


def _clock(packed: int) -> str:
    sign, packed = ("-", -packed) if packed < 0 else ("", packed)
    fraction, clock = packed & 0xFFFFFF, packed >> 24
    return f"{sign}{clock >> 12 & 1023:02}:{clock >> 6 & 63:02}:{clock & 63:02}.{fraction:06}"
