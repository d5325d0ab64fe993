"""What identifies a delivery to an API that knows repeats by a key."""

from __future__ import annotations

from dataclasses import replace

from syncflow.compiler.wire.expression_input import root_of
from syncflow.events import Delivery
from tests.adapters.kit import delivery


def unique_id(of: Delivery) -> object:
    told = root_of(of, {}, payload={})["delivery"]
    assert isinstance(told, dict)
    return told["unique_id"]


def test_it_is_the_same_at_every_try() -> None:
    first = delivery(7, read_at=1732371200.123456)
    assert unique_id(first) == unique_id(replace(first, attempts=3, vendor_id="P9")) == "627951a00a240-7"


def test_a_journal_that_begins_anew_does_not_give_it_again() -> None:
    """Else the other side takes a new record for the repeat of an old one, and answers with that one's id."""
    assert unique_id(delivery(1, read_at=1732371200.0)) != unique_id(delivery(1, read_at=1732371200.000001))


def test_deliveries_that_were_read_together_have_their_own() -> None:
    assert len({unique_id(delivery(number, read_at=1732371200.0)) for number in range(1, 300)}) == 299
