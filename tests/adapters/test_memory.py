"""What look-ups found is kept for a while, and not without bound."""

from __future__ import annotations

from syncflow.adapters.judgement import Ruling
from syncflow.adapters.lookup_cache import MOST, LookupCache
from tests.adapters.kit import delivery

FOUND = Ruling(done=True, vendor_id="v1")


def test_the_oldest_is_forgotten_when_too_many_are_known() -> None:
    memory = LookupCache()
    made = [delivery(number, key=f"K{number}") for number in range(MOST + 2)]
    for each in made:
        memory.keep(each, "find", FOUND, until=100.0)
    known = [memory.recall(each, "find", now=1.0) is not None for each in made]
    assert known == [False, False, *[True] * MOST]


def test_what_was_found_is_known_until_its_time_and_of_its_step_and_key_only() -> None:
    memory = LookupCache()
    memory.keep(delivery(1, key="A"), "find", FOUND, until=10.0)
    assert memory.recall(delivery(1, key="A"), "find", now=9.9) == FOUND
    assert memory.recall(delivery(1, key="A"), "find", now=10.0) is None
    assert memory.recall(delivery(1, key="A"), "other", now=1.0) is None
    assert memory.recall(delivery(1, key="B"), "find", now=1.0) is None
    memory.forget(delivery(1, key="A"))
    assert memory.recall(delivery(1, key="A"), "find", now=1.0) is None
    assert not memory
