"""Countries: the codes of ISO 3166-1, English names and their own. In: a code or a name as people write it. Out: the one code or
name, or null.

Case, accents, dots and blanks do not matter, nor does a leading "the".
"""

from __future__ import annotations

from functools import lru_cache

from syncflow.compiler.functions.country_endonyms import ENDONYMS
from syncflow.compiler.functions.country_names import COUNTRIES, OTHER_NAMES, Country
from syncflow.compiler.functions.function import Group
from syncflow.compiler.functions.parameters import text
from syncflow.compiler.functions.text import accentless
from syncflow.compiler.types.json import Text, nullable

GROUP = Group("countries", "Countries")

_LONGEST_NAME = 60
_COUNTRY = text("country", "A code of two or three letters, or a name: the English one or the country's own.")


def plain(name: str) -> str:
    """Return a name without what does not matter in it."""
    words = (
        accentless(name).casefold().replace(".", "").replace("&", " and ").replace("-", " ").replace("’", "'").split()
    )
    return " ".join(words[1:] if words[:1] == ["the"] else words)


@lru_cache(maxsize=1)
def _index() -> dict[str, Country]:
    by_code = {country.alpha2: country for country in COUNTRIES}
    named = {plain(name): by_code[code] for names in (ENDONYMS, OTHER_NAMES) for name, code in names.items()}
    return named | {plain(name): country for country in COUNTRIES for name in country}


def _found(name: str) -> Country | None:
    return _index().get(plain(name)) if len(name) <= _LONGEST_NAME else None


@GROUP.function(
    "country_code",
    "Write a country in two letters; null where it is none.",
    _COUNTRY,
    returns=nullable(Text(values=frozenset(country.alpha2 for country in COUNTRIES))),
    examples=[
        ("Germany", "DE"),
        ("usa", "US"),
        ("U.K.", "GB"),
        ("Cote d'Ivoire", "CI"),
        ("España", "ES"),
        ("Atlantis", None),
    ],
    unreadable=1,
)
def _country_code(name: str) -> str | None:
    country = _found(name)
    return None if country is None else country.alpha2


@GROUP.function(
    "country_code3",
    "Write a country in three letters; null where it is none.",
    _COUNTRY,
    returns=nullable(Text(values=frozenset(country.alpha3 for country in COUNTRIES))),
    examples=[("Germany", "DEU"), ("ch", "CHE")],
    unreadable=1,
)
def _country_code3(name: str) -> str | None:
    country = _found(name)
    return None if country is None else country.alpha3


@GROUP.function(
    "country_name",
    "Write the English name of a country; null where it is none.",
    _COUNTRY,
    returns=nullable(Text(values=frozenset(country.name for country in COUNTRIES))),
    examples=[("DE", "Germany"), ("the netherlands", "Netherlands"), ("NLD", "Netherlands")],
    unreadable=1,
)
def _country_name(name: str) -> str | None:
    country = _found(name)
    return None if country is None else country.name
