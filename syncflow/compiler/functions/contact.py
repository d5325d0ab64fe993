"""E-mail addresses and phone numbers. In: what people typed. Out: the one way to write it, or null.

An e-mail address is what the format ``email`` says. A phone number counts when its length is possible in its country; whether it is
assigned to anyone is not asked. A number without + is read as one of the region.
"""

from __future__ import annotations

from functools import lru_cache

from syncflow.compiler.functions.function import Group
from syncflow.compiler.functions.parameters import text
from syncflow.compiler.types.formats import FORMATS, is_e164, is_email
from syncflow.compiler.types.json import BOOLEAN, Text, Type, is_subtype, longest, nullable
from syncflow.compiler.types.narrowing import without_null
from syncflow.events import Json

GROUP = Group("contact", "E-mail and phone")

_EMAIL = Text(format="email")
_LONGEST_PHONE = 250  # phonenumbers' own bound of what it looks at


def _if_email(result: Text, argument: Type) -> Type:
    """Return the result for what may be no address: then null. No part is longer than the whole."""
    length = longest(argument)
    most = min(result.max_length or 254, 254 if length is None else length)
    bounded = Text(format=result.format, min_length=result.min_length, max_length=most)
    return bounded if is_subtype(without_null(argument), _EMAIL) else nullable(bounded)


@GROUP.function(
    "is_email",
    "Check whether text is an e-mail address.",
    text(),
    returns=BOOLEAN,
    examples=[("ada@example.com", True), ("ada@", False), (None, None)],
)
def _is_email(value: str) -> bool:
    return is_email(value)


@GROUP.function(
    "normalize_email",
    "Write an e-mail address in lower case without blanks around it; null where it is none.",
    text(),
    returns=lambda kind: _if_email(_EMAIL, kind),
    examples=[(" Ada@Example.COM ", "ada@example.com"), ("ada", None)],
    unreadable=1,
)
def _normalize_email(value: str) -> str | None:
    address = value.strip().lower()
    return address if is_email(address) else None


@GROUP.function(
    "email_domain",
    "Take the domain of an e-mail address, in lower case; null where it is none.",
    text(),
    returns=lambda kind: _if_email(Text(format="hostname", max_length=253), kind),
    examples=[("ada@Example.com", "example.com"), ("ada", None)],
    unreadable=1,
)
def _email_domain(value: str) -> str | None:
    address = _normalize_email(value)
    return None if address is None else address.partition("@")[2]


@GROUP.function(
    "email_local",
    "Take what stands before the @ of an e-mail address; null where it is none.",
    text(),
    returns=lambda kind: _if_email(Text(min_length=1, max_length=64), kind),
    examples=[("Ada.L@example.com", "Ada.L"), ("ada", None)],
    unreadable=1,
)
def _email_local(value: str) -> str | None:
    address = value.strip()
    return address.partition("@")[0] if is_email(address) else None


@lru_cache(maxsize=1)
def _regions() -> frozenset[str]:
    import phonenumbers  # noqa: PLC0415  # large tables: only for those who map phone numbers

    return frozenset(phonenumbers.SUPPORTED_REGIONS)


def _check_region(region: Json) -> str:
    if isinstance(region, str) and region.upper() in _regions():
        return ""
    return "expected the two letters of a country, such as US or DE"


def _e164(value: str, region: str) -> tuple[str, str | None] | None:
    """Return the number in E.164 and its country, None where it is no possible number."""
    import phonenumbers  # noqa: PLC0415  # large tables: only for those who map phone numbers

    if len(value) > _LONGEST_PHONE:
        return None
    try:
        number = phonenumbers.parse(value, region.upper())
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    country = phonenumbers.region_code_for_country_code(number.country_code or 0)
    return (written, country) if is_e164(written) else None


_PHONE = text("phone", "A number as people write it.")
_REGION = text("region", "The country of numbers without +, in two letters.", default="US", check=_check_region)


@GROUP.function(
    "phone_e164",
    "Write a phone number in E.164; null where it is none. An extension is left out.",
    _PHONE,
    _REGION,
    returns=nullable(Text(format="e164", max_length=FORMATS["e164"].longest)),
    examples=[
        ("+1-555-123-4567", "+15551234567"),
        ("(555) 123-4567 ext. 9", "+15551234567"),
        ("030 901820", "DE", "+4930901820"),
        ("call me", None),
    ],
    unreadable=1,
)
def _phone_e164(value: str, region: str) -> str | None:
    number = _e164(value, region)
    return None if number is None else number[0]


@GROUP.function(
    "is_phone",
    "Check whether text is a possible phone number.",
    _PHONE,
    _REGION,
    returns=BOOLEAN,
    examples=[("+1-555-123-4567", True), ("12", False)],
)
def _is_phone(value: str, region: str) -> bool:
    return _e164(value, region) is not None


@GROUP.function(
    "phone_country",
    "Tell the country of a phone number in two letters: the main one where several share its prefix.",
    _PHONE,
    _REGION,
    returns=nullable(Text(min_length=2, max_length=2)),
    examples=[("+49 30 901820", "DE"), ("+1-555-123-4567", "US"), ("+870 773 111 632", None)],
    unreadable=1,
)
def _phone_country(value: str, region: str) -> str | None:
    number = _e164(value, region)
    return number[1] if number is not None and number[1] in _regions() else None  # satellites have no country
