"""Texts that look real: a role such as ``email`` or ``city`` → a function that writes one.

A property's role is told by its name. Whatever a text is made of comes from a ``Draw``, the one place of chance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from uuid import UUID

from syncflow.sources.names import DOMAINS, PHONES, Pools


class Draw:
    """Everything that chance and the moment decide; the stream sets person and moment before each event."""

    __slots__ = ("emails", "first", "last", "moment", "pools", "random", "rng", "serial")

    def __init__(self, *, seed: int, pools: Pools) -> None:
        self.rng = Random(seed)  # noqa: S311  # to be repeatable is the point
        self.random = self.rng.random
        self.pools = pools
        self.serial = 0
        self.emails = 0
        self.first = ""
        self.last = ""
        self.moment = ""

    def pick(self, choices: Sequence[str]) -> str:
        return choices[int(self.random() * len(choices))]


_ROLES: tuple[tuple[str, str], ...] = (
    (r"^(updated|modified|changed|last_(updated|modified|changed))", "touched"),
    (r"^(created|inserted|registered|signed_up)", "made"),
    (r"e?mail$|^e_?mail", "email"),
    (r"phone|mobile|^tel(_|$)|(^|_)fax", "phone"),
    (r"^(first|given|fore)_?name$", "first_name"),
    (r"^(last|family|sur)_?name$", "last_name"),
    (r"company|organi[sz]ation|employer|account_name", "company"),
    (r"^(full_|display_|contact_)?name$", "name"),
    (r"job|title$|position|profession", "job"),
    (r"street|^address", "street"),
    (r"city|town", "city"),
    (r"^state$|region|province", "state"),
    (r"zip|post(al)?_?code", "postcode"),
    (r"country", "country"),
    (r"url|website|homepage|link$", "uri"),
    (r"_at$", "made"),
)


def words_of(name: str) -> str:
    """``createdAt`` and ``Created-At`` → ``created_at``"""
    return re.sub(r"[^A-Za-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).lower()


def role_of(name: str) -> str:
    """Return what a property of this name most likely is, empty where its name tells nothing."""
    found = words_of(name)
    return next((role for pattern, role in _ROLES if re.search(pattern, found)), "")


def _name(draw: Draw) -> str:
    return f"{draw.first} {draw.last}"


def email(draw: Draw) -> str:
    draw.emails += 1
    return f"{draw.first}.{draw.last}{draw.emails}@{DOMAINS[int(draw.random() * 3)]}".lower()


def short_email(draw: Draw, *, longest: int) -> str:
    text = email(draw)
    return text if len(text) <= longest else f"u{draw.emails}@example.com"


def uuid(draw: Draw) -> str:
    return str(UUID(int=draw.rng.getrandbits(128), version=4))


def _date(draw: Draw) -> str:
    return f"{1950 + int(draw.random() * 70)}-{1 + int(draw.random() * 12):02d}-{1 + int(draw.random() * 28):02d}"


def _time(draw: Draw) -> str:
    return f"{int(draw.random() * 24):02d}:{int(draw.random() * 60):02d}:{int(draw.random() * 60):02d}"


def _moment(draw: Draw) -> str:
    return draw.moment


def _zoned_moment(draw: Draw) -> str:
    return f"{draw.moment}Z"


def _uri(draw: Draw) -> str:
    return f"https://www.{DOMAINS[int(draw.random() * 3)]}/{draw.pick(draw.pools.words).lower()}"


def some_words(draw: Draw) -> str:
    return f"{draw.pick(draw.pools.words)} {draw.pick(draw.pools.words)}"


TEXTS: dict[str, Callable[[Draw], str]] = {  # role or format → writer
    "name": _name,
    "first_name": lambda draw: draw.first,
    "last_name": lambda draw: draw.last,
    "email": email,
    "phone": lambda draw: draw.pick(PHONES),
    "e164": lambda draw: draw.pick(PHONES).replace("-", ""),
    "company": lambda draw: draw.pick(draw.pools.companies),
    "job": lambda draw: draw.pick(draw.pools.jobs),
    "street": lambda draw: draw.pick(draw.pools.streets),
    "city": lambda draw: draw.pick(draw.pools.cities),
    "state": lambda draw: draw.pick(draw.pools.states),
    "postcode": lambda draw: draw.pick(draw.pools.postcodes),
    "country": lambda draw: draw.pick(draw.pools.countries),
    "hostname": lambda draw: f"www.{draw.pick(DOMAINS)}",
    "uri": _uri,
    "url": _uri,
    "uuid": uuid,
    "date": _date,
    "time": _time,
    "made": _moment,
    "touched": _moment,
    "date-time-zoned": _zoned_moment,
    "date-time-local": _moment,
    "decimal": lambda draw: f"{int(draw.random() * 10_000)}.{int(draw.random() * 100):02d}",
    "boolean": lambda draw: "true" if draw.random() < 0.5 else "false",
}
EXACT = frozenset(
    TEXTS[role]
    for role in (
        "phone",
        "e164",
        "hostname",
        "uri",
        "uuid",
        "date",
        "time",
        "made",
        "date-time-zoned",
        "decimal",
        "boolean",
    )
)
"""Their texts are never shortened: a part of one would not be one."""
