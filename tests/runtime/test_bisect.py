"""Halving a refused batch: when is it the records, and when the configuration? The generator alone, with a script that answers."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pytest

from syncflow.events import BatchResult, Delivery, Key, Outcome, Record, Signal, Verdict
from syncflow.runtime.delivery.bisect import Bisection, Part, bisect

Code = Callable[[int], str]
"""Number of a record → the code of its refusal; empty where it is accepted."""


def batch(count: int) -> Part:
    return tuple(
        Delivery(n, n, "r", "a", "Contact", "upsert", Record("contacts", str(n)), Key("Ext", str(n)), {}, (0, n), 0.0)
        for n in range(1, count + 1)
    )


def halved(count: int, code: Code) -> tuple[Bisection, int]:
    """Halve a batch whose parts are refused as a whole while any of their records is; return what it came to, and the requests."""
    return searched(count, lambda part: answered(part, code))


def searched(count: int, answer: Callable[[Part], BatchResult]) -> tuple[Bisection, int]:
    search, requests = bisect(batch(count), reason="400"), 0
    part = next(search)
    while True:
        requests += 1
        try:
            part = search.send(answer(part))
        except StopIteration as ended:
            return ended.value, requests


def answered(part: Part, code: Code) -> BatchResult:
    codes = [code(delivery.id) for delivery in part]
    if len(part) > 1 and any(codes):
        return BatchResult((Outcome(Verdict.RETRY),) * len(part), Signal("split", reason="400"))
    return BatchResult(tuple(Outcome(Verdict.REJECTED, code=c) if c else Outcome(Verdict.DELIVERED) for c in codes))


def dead(found: Bisection) -> set[int]:
    return {number for number, outcome in found.outcomes.items() if outcome.verdict is Verdict.REJECTED}


@pytest.mark.parametrize(
    "bad", [{3}, {3, 4}, {1, 5, 9, 13}, set(range(2, 20, 2))], ids=["one", "two", "four", "every second"]
)
def test_records_at_fault_are_found_where_others_are_accepted(bad: Collection[int]) -> None:
    found, _ = halved(20, lambda number: "BAD" if number in bad else "")
    assert (found.stop, dead(found)) == ("", set(bad))


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_few_bad_records_that_meet_in_one_batch_are_records(count: int) -> None:
    found, _ = halved(count, lambda _: "BAD")
    assert (found.stop, dead(found)) == ("", set(range(1, count + 1)))


@pytest.mark.parametrize("code", [lambda _: "BAD", lambda number: f"B{number}"], ids=["alike", "each by its own code"])
def test_a_large_batch_of_which_nothing_is_accepted_stops_the_system_soon_and_buries_nothing(code: Code) -> None:
    found, requests = halved(200, code)
    assert found.stop.startswith("400; ")
    assert (dead(found), requests <= 3 * 8 + 1) == (set(), True)


def test_parts_that_answer_for_each_record_and_refuse_all_alike_stop_the_system() -> None:
    refused = Outcome(Verdict.REJECTED, code="BAD")
    found, _ = searched(40, lambda part: BatchResult((refused,) * len(part)))
    assert (found.stop, found.outcomes) == ("400; every record of the batch is refused alike", {})
