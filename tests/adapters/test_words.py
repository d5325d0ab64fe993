"""A vendor's words about the whole system are logged; whatever in them may be about a person is not."""

from __future__ import annotations

import pytest

from syncflow.adapters.vendor_words import impersonal

WORDS = [
    ("No such column 'Foo__c' on Contact", "No such column 'Foo__c' on Contact"),
    ("the limit of 100 per 10 seconds is reached", "the limit of 100 per 10 seconds is reached"),
    ("ada@example.com is blocked", "… is blocked"),
    ("blocked: 'Ada.L+x@mail.example.com'", "blocked: '…'"),
    ("number +1-555-010-0101 is taken", "number … is taken"),
    ("number 020 7946 0018 is taken", "number … is taken"),
    ("0x80048408: not in range", "0x80048408: not in range"),
    ("version v67.0 ends in 2027", "version v67.0 ends in 2027"),
]


@pytest.mark.parametrize(("said", "logged"), WORDS, ids=[said for said, _ in WORDS])
def test_addresses_and_long_numbers_are_left_out(said: str, logged: str) -> None:
    assert impersonal(said) == logged
