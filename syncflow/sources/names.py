"""Pools of realistic words, drawn from faker once, so that no event has to call it."""

from __future__ import annotations

from dataclasses import dataclass

from faker import Faker

DOMAINS = ("example.com", "example.org", "example.net")
"""Reserved for examples: mail to them reaches no one."""

_AREAS = ("202", "212", "303", "312", "404", "415", "503", "617", "702", "206")
PHONES = tuple(f"+1-{area}-555-{line:04d}" for area in _AREAS for line in range(100, 200))
"""Lines 555-0100 to 555-0199 are set aside for fiction."""


@dataclass(frozen=True, slots=True)
class Pools:
    """Words to choose from; the same for the same seed."""

    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    companies: tuple[str, ...]
    jobs: tuple[str, ...]
    streets: tuple[str, ...]
    cities: tuple[str, ...]
    states: tuple[str, ...]
    postcodes: tuple[str, ...]
    countries: tuple[str, ...]
    words: tuple[str, ...]


def pools(seed: int) -> Pools:
    """Draw all pools for ``seed``."""
    fake = Faker("en_US")
    fake.seed_instance(seed)

    def drawn(kind: str, size: int) -> tuple[str, ...]:
        return tuple(str(fake.format(kind)).replace("\n", ", ") for _ in range(size))

    return Pools(
        first_names=drawn("first_name", 400),
        last_names=drawn("last_name", 400),
        companies=drawn("company", 200),
        jobs=drawn("job", 100),
        streets=drawn("street_address", 200),
        cities=drawn("city", 200),
        states=drawn("state", 60),
        postcodes=drawn("postcode", 200),
        countries=drawn("country", 100),
        words=drawn("word", 300),
    )
