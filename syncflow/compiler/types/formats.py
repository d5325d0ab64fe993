"""The formats of text, each defined once: the door, the types and the objects mean the same by a name.

In: a format's name. Out: what it is, a check in linear time, and the wider format that it lies within. Simple on
purpose: a text that passes is one that strict systems accept too.

email            one @, ASCII, no spaces or quotes; at most 64 characters before it, 254 in all; a dotted domain
date             2024-01-15, of the calendar, years 0001 to 9999
date-time        2024-01-15T10:30:00, a fraction of up to 9 digits, with or without a zone (Z or +02:00)
date-time-zoned  the same, with a zone
date-time-local  the same, without a zone
time             10:30:00, a fraction of up to 9 digits, with or without a zone
uri              scheme:rest, ASCII, no spaces
uuid             8-4-4-4-12 hexadecimal digits
e164             + and 2 to 15 digits, the first not 0
hostname         dotted labels of letters, digits and inner hyphens, at most 253 characters
decimal          -1234.50: digits with a point and no exponent, at most 300 characters; every digit counts
boolean          true or false

Dates, times, decimals and booleans are written in more forms than these (``forms``). The door reads those, and makes them the one above;
nothing behind it sees another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType

from syncflow.compiler.forms.booleans import plain_boolean
from syncflow.compiler.forms.moments import plain_date, plain_date_time, plain_time
from syncflow.compiler.forms.numbers import plain_decimal
from syncflow.frozen import value_class
from syncflow.patterns import lazy_pattern

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
_ZONE = r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_EMAIL = lazy_pattern(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+(?![0-9]+\Z){_LABEL}\Z")
_HOSTNAME = lazy_pattern(rf"{_LABEL}(?:\.{_LABEL})*\Z")
_DATE = lazy_pattern(rf"{_DAY}\Z")
_TIME = lazy_pattern(rf"{_CLOCK}{_ZONE}?\Z")
_ZONED = lazy_pattern(rf"{_DAY}T{_CLOCK}{_ZONE}\Z")
_LOCAL = lazy_pattern(rf"{_DAY}T{_CLOCK}\Z")
_DATE_TIME = lazy_pattern(rf"{_DAY}T{_CLOCK}{_ZONE}?\Z")
_URI = r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+"
_UUID = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
_E164 = r"\+[1-9][0-9]{1,14}"
_IS_URI = lazy_pattern(rf"{_URI}\Z")
_IS_UUID = lazy_pattern(rf"{_UUID}\Z")
_IS_DECIMAL = lazy_pattern(r"-?[0-9]+(?:\.[0-9]+)?\Z")
_PLAIN_DECIMAL = r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?"
_IS_E164 = lazy_pattern(rf"{_E164}\Z")

# Without looking ahead, and without the 29th of February.
_PLAIN_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,40}[A-Za-z0-9])?"
_PLAIN_HOSTNAME = rf"{_PLAIN_LABEL}(?:\.{_PLAIN_LABEL}){{0,4}}"
_PLAIN_ATOM = r"[A-Za-z0-9_+-]{1,20}"
_PLAIN_EMAIL = rf"{_PLAIN_ATOM}(?:\.{_PLAIN_ATOM}){{0,2}}@(?:{_PLAIN_LABEL}\.){{1,3}}[A-Za-z]{{2,20}}"
_PLAIN_DAY = (
    r"[12][0-9]{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
_PLAIN_LOCAL = f"{_PLAIN_DAY}T{_CLOCK}"


def is_email(text: str) -> bool:
    """Return whether ``text`` is an e-mail address that strict systems take."""
    return len(text) <= 254 and _EMAIL.match(text) is not None


def is_hostname(text: str) -> bool:
    return len(text) <= 253 and _HOSTNAME.match(text) is not None


def is_date(text: str) -> bool:
    return _DATE.match(text) is not None and _of_calendar(text)


def is_time(text: str) -> bool:
    return _TIME.match(text) is not None


def is_zoned(text: str) -> bool:
    """Return whether ``text`` is a date and time with a zone."""
    return _ZONED.match(text) is not None and _of_calendar(text[:10])


def is_local(text: str) -> bool:
    """Return whether ``text`` is a date and time without a zone."""
    return _LOCAL.match(text) is not None and _of_calendar(text[:10])


def is_date_time(text: str) -> bool:
    return _DATE_TIME.match(text) is not None and _of_calendar(text[:10])


def is_uri(text: str) -> bool:
    return _IS_URI.match(text) is not None


def is_uuid(text: str) -> bool:
    return _IS_UUID.match(text) is not None


def is_e164(text: str) -> bool:
    return _IS_E164.match(text) is not None


def is_decimal(text: str) -> bool:
    return len(text) <= 300 and _IS_DECIMAL.match(text) is not None


def is_boolean(text: str) -> bool:
    return text in {"true", "false"}


def _of_calendar(day: str) -> bool:
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True


@value_class
class Format:
    """A named set of texts. ``longest`` is the most characters one can have, None for no bound; every one is ASCII.

    ``plain`` is a pattern, for any engine, of nothing but texts of the format: all of them, or the everyday ones.
    """

    name: str
    words: str
    check: Callable[[str], bool]
    plain: str
    read: Callable[[str], str | None] | None = None
    """Makes a text of the format of one that a program wrote in another form; None where there are no others."""
    within: str | None = None
    longest: int | None = None
    shortest: int = 1


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        entry.name: entry
        for entry in (
            Format("email", "e-mail", is_email, _PLAIN_EMAIL, longest=254, shortest=5),
            Format("date", "date", is_date, _PLAIN_DAY, plain_date, longest=10, shortest=10),
            Format(
                "date-time",
                "date and time",
                is_date_time,
                _PLAIN_LOCAL + _ZONE + "?",
                plain_date_time,
                longest=35,
                shortest=19,
            ),
            Format(
                "date-time-zoned",
                "date and time with a zone",
                is_zoned,
                _PLAIN_LOCAL + _ZONE,
                plain_date_time,
                "date-time",
                longest=35,
                shortest=20,
            ),
            Format(
                "date-time-local",
                "date and time without a zone",
                is_local,
                _PLAIN_LOCAL,
                plain_date_time,
                "date-time",
                longest=29,
                shortest=19,
            ),
            Format("time", "time", is_time, _CLOCK + _ZONE + "?", plain_time, longest=24, shortest=8),
            Format("uri", "URI", is_uri, _URI, shortest=3),
            Format("uuid", "UUID", is_uuid, _UUID, longest=36, shortest=36),
            Format("e164", "phone number in E.164", is_e164, _E164, longest=16, shortest=3),
            Format("hostname", "host name", is_hostname, _PLAIN_HOSTNAME, longest=253),
            Format("decimal", "decimal number", is_decimal, _PLAIN_DECIMAL, plain_decimal, longest=300),
            Format("boolean", "true or false", is_boolean, "true|false", plain_boolean, longest=5, shortest=4),
        )
    }
)


def lies_within(inner: str | None, outer: str | None) -> bool:
    """Return whether every text of the format ``inner`` is one of ``outer``; None is the format of all texts."""
    if outer is None or inner == outer:
        return True
    return (
        inner is not None
        and inner in FORMATS
        and lies_within(FORMATS[inner].within, outer)
        and FORMATS[inner].within is not None
    )
