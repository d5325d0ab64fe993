"""Record ids: 15 characters of base 62, of which the first three tell the object, and three more that check their case."""

from __future__ import annotations

import re
from functools import lru_cache

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[A-Z0-5]{3})?")
_POD = "Hp00000"  # the same in every id of an org


@lru_cache(maxsize=65536)
def _check(group: str) -> str:
    """One check character: the positions of the capitals in a group of five, lowest bit first."""
    return _CHECKS[sum(1 << place for place, char in enumerate(group) if "A" <= char <= "Z")]


def with_check(short: str) -> str:
    """The 18-character form of a 15-character id."""
    return short + _check(short[:5]) + _check(short[5:10]) + _check(short[10:15])


def new_id(prefix: str, number: int) -> str:
    """The id of the ``number``-th record of the object with this key prefix."""
    tail = ""
    for _ in range(5):
        number, digit = divmod(number, 62)
        tail = _DIGITS[digit] + tail
    return with_check(prefix + _POD + tail)


def normal_id(text: object) -> str | None:
    """The 18-character form of what may be an id in either form; None when it has not the shape of one."""
    if not isinstance(text, str) or _SHAPE.fullmatch(text) is None:
        return None
    return with_check(text[:15])
