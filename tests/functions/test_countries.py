"""The table of countries is complete and unambiguous."""

from __future__ import annotations

import phonenumbers
import pytest

from syncflow.compiler.functions import FUNCTIONS
from syncflow.compiler.functions.country_names import COUNTRIES, OTHER_NAMES, Country


def test_there_are_as_many_countries_as_iso_has() -> None:
    assert len(COUNTRIES) == 249


def test_every_code_and_name_is_given_once() -> None:
    names = [name.casefold() for country in COUNTRIES for name in country]
    assert len(names) == len(set(names))
    assert set(OTHER_NAMES.values()) <= {country.alpha2 for country in COUNTRIES}


def test_every_region_of_phone_numbers_is_a_country() -> None:
    without_iso_code = {"AC", "TA", "XK"}
    assert set(phonenumbers.SUPPORTED_REGIONS) - without_iso_code <= {country.alpha2 for country in COUNTRIES}


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda country: country.alpha2)
def test_a_country_is_found_by_each_of_its_names(country: Country) -> None:
    for name in country:
        for written in (name, name.upper(), f" {name.lower()} "):
            assert FUNCTIONS["country_code"].call(written) == country.alpha2
