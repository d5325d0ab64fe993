"""The table of countries is complete and unambiguous."""

from __future__ import annotations

import phonenumbers
import pytest

from syncflow.compiler.functions import FUNCTIONS
from syncflow.compiler.functions.countries import plain
from syncflow.compiler.functions.country_endonyms import ENDONYMS
from syncflow.compiler.functions.country_names import COUNTRIES, OTHER_NAMES, Country


def test_there_are_as_many_countries_as_iso_has_and_kosovo() -> None:
    assert len(COUNTRIES) == 250


def test_every_code_and_name_is_given_once() -> None:
    names = [name.casefold() for country in COUNTRIES for name in country]
    assert len(names) == len(set(names))
    assert set(OTHER_NAMES.values()) <= {country.alpha2 for country in COUNTRIES}


def test_every_region_of_phone_numbers_is_a_country() -> None:
    without_iso_code = {"AC", "TA"}
    assert set(phonenumbers.SUPPORTED_REGIONS) - without_iso_code <= {country.alpha2 for country in COUNTRIES}


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda country: country.alpha2)
def test_a_country_is_found_by_each_of_its_names(country: Country) -> None:
    for name in country:
        for written in (name, name.upper(), f" {name.lower()} "):
            assert FUNCTIONS["country_code"].call(written) == country.alpha2


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Brasil", "BR"),
        ("España", "ES"),
        ("espana", "ES"),
        ("Deutschland", "DE"),
        ("Kosovo", "XK"),
        ("Česko", "CZ"),
        ("Ελλάδα", "GR"),
        ("日本", "JP"),
        ("Россия", "RU"),
        ("ישראל", "IL"),
        ("EE.UU.", "US"),
        ("DIE SCHWEIZ", "CH"),
        ("Magyarország", "HU"),
    ],
)
def test_a_country_is_known_by_the_name_in_its_own_language(name: str, code: str) -> None:
    assert FUNCTIONS["country_code"].call(name) == code


def test_no_name_is_that_of_two_countries() -> None:
    codes = {country.alpha2 for country in COUNTRIES}
    meant: dict[str, set[str]] = {}
    for name, code in [*ENDONYMS.items(), *OTHER_NAMES.items(), *((each.name, each.alpha2) for each in COUNTRIES)]:
        meant.setdefault(plain(name), set()).add(code)
    assert {name: found for name, found in meant.items() if len(found) > 1 or not found <= codes} == {}
