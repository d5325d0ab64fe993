"""What a text can be: formats of schemas, numbers and booleans written as text, and the shapes of personal data.

Each kind is a yes or no to one text. A column is of a kind if all of its texts are.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from syncflow.compiler.forms.booleans import read_boolean
from syncflow.compiler.forms.moments import plain_time, read_parts
from syncflow.compiler.forms.nothing import is_nothing
from syncflow.compiler.types.formats import FORMATS, is_date, is_date_time, is_email, is_uuid
from syncflow.patterns import lazy_pattern

_INTEGER: Final = lazy_pattern(r"-?(?:0|[1-9][0-9]{0,17})\Z")
_NUMBER: Final = lazy_pattern(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?\Z")
_NUMBER_WITH_COMMA: Final = lazy_pattern(r"-?(?:0|[1-9][0-9]{0,14})(?:,[0-9]{1,15})?\Z")
_FRACTION: Final = lazy_pattern(r"-?(?:0|[1-9][0-9]*)\.[0-9]+\Z")
_DIGITS: Final = lazy_pattern(r"[0-9]+\Z")
_ADDRESS: Final = lazy_pattern(r"(?:[A-Za-z][A-Za-z0-9+.-]*://|mailto:|tel:|urn:)")
_INTERNATIONAL: Final = lazy_pattern(r"(?:\+|00)[1-9][0-9 ()./-]{6,24}\Z")
_IBAN: Final = lazy_pattern(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\Z")
_CARD: Final = lazy_pattern(r"[0-9]{13,19}\Z")
_SOCIAL_SECURITY: Final = lazy_pattern(r"[0-9]{3}-[0-9]{2}-[0-9]{4}\Z")
_MOST_DIGITS: Final = 15
_LONGEST_MOMENT: Final = 80


class TextKind(NamedTuple):
    """A set of texts. ``takes_nothing``: the door makes null of texts that mean nothing (NaT), so they fit as well."""

    name: str
    fits: Callable[[str], bool]
    takes_nothing: bool = False


def _is_number(text: str, pattern: re.Pattern[str] = _NUMBER) -> bool:
    return pattern.match(text) is not None and sum(map(str.isdigit, text.lstrip("-0.,"))) <= _MOST_DIGITS


def _has_form(name: str) -> Callable[[str], bool]:
    """Return whether a text is of a format, or is made one by the door."""
    known = FORMATS[name]

    def fits(text: str) -> bool:
        if len(text) > _LONGEST_MOMENT:
            return False
        if known.check(text):
            return True
        made = known.read(text) if known.read is not None else None
        return made is not None and known.check(made)

    return fits


def _is_day(text: str) -> bool:
    if len(text) > _LONGEST_MOMENT or text.isdecimal():
        return False
    parts = None if is_date(text) else read_parts(text)
    return is_date(text) or (parts is not None and parts.hour is None and parts.zone is None)


def _is_digits_of_a_day(text: str) -> bool:
    return len(text) == len("20240115") and text.isdecimal() and read_parts(text) is not None


def _is_moment(text: str) -> bool:
    return not text.isdecimal() and (is_date_time(text) or _reads_date_time(text))


def _is_time(text: str) -> bool:
    return len(text) <= _LONGEST_MOMENT and plain_time(text) is not None


def _is_iban(text: str) -> bool:
    """ISO 13616: letters are 10 to 35, and the number that begins with the fifth character leaves 1 when divided by 97."""
    written = text.replace(" ", "")
    if _IBAN.match(written) is None:
        return False
    return int("".join(str(int(sign, 36)) for sign in written[4:] + written[:4])) % 97 == 1


def _is_card(text: str) -> bool:
    """ISO 7812: the check digit of payment cards."""
    written = text.replace(" ", "").replace("-", "")
    if _CARD.match(written) is None:
        return False
    digits = [int(sign) for sign in reversed(written)]
    return sum(digits[::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10 == 0


def _is_ip(text: str) -> bool:
    if not (text.count(".") == 3 or ":" in text) or len(text) > 45:  # 45: the longest IPv6 address
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


_reads_zoned, _reads_local, _reads_date_time = map(_has_form, ("date-time-zoned", "date-time-local", "date-time"))

TEXT_KINDS: Final = (
    TextKind("date", _is_day, takes_nothing=True),
    TextKind("digits of a day", _is_digits_of_a_day, takes_nothing=True),
    TextKind("date-time-zoned", lambda text: _is_moment(text) and _reads_zoned(text), takes_nothing=True),
    TextKind("date-time-local", lambda text: _is_moment(text) and _reads_local(text), takes_nothing=True),
    TextKind("date-time", _is_moment, takes_nothing=True),
    TextKind("time", _is_time, takes_nothing=True),
    TextKind("uuid", is_uuid),
    TextKind("email", is_email),
    TextKind("e164", FORMATS["e164"].check),
    TextKind("uri", lambda text: _ADDRESS.match(text) is not None and FORMATS["uri"].check(text)),
    TextKind("integer", lambda text: _INTEGER.match(text) is not None),
    TextKind("number", _is_number),
    TextKind("number,", lambda text: _is_number(text, _NUMBER_WITH_COMMA)),
    TextKind("fraction", lambda text: _FRACTION.match(text) is not None and FORMATS["decimal"].check(text)),
    TextKind("decimal", _has_form("decimal"), takes_nothing=True),
    TextKind("digits", lambda text: _DIGITS.match(text) is not None),
    TextKind("boolean", lambda text: not text.isdecimal() and read_boolean(text) is not None),
    TextKind("phone", lambda text: _INTERNATIONAL.match(text) is not None),
    TextKind("iban", _is_iban),
    TextKind("card", _is_card),
    TextKind("ip", _is_ip),
    TextKind("social security", lambda text: _SOCIAL_SECURITY.match(text) is not None),
)
"""``number,``: with a comma before the fraction."""


def kinds_of(text: str, among: tuple[TextKind, ...] = TEXT_KINDS) -> tuple[TextKind, ...]:
    """Return the kinds that a text is of."""
    if is_nothing(text):
        return tuple([kind for kind in among if kind.takes_nothing])
    return tuple([kind for kind in among if kind.fits(text)])
