"""Packed rows are the rows that were packed, here and in the process that they are sent to."""

from __future__ import annotations

import pickle
from itertools import chain
from typing import Any

import pytest

from syncflow.runtime.journal.tables.packed import Packed

ROWS: dict[str, list[tuple[Any, ...]]] = {
    "none": [],
    "one": [(1, "a", None)],
    "two that are the same": [(1, "a", None), (1, "a", None)],
    "some that share a column": [(1, "a", None), (2, "a", None), (3, "a", b"x"), (4, "a", None)],
    "some that share nothing": [(1, "a"), (2, "b"), (3, "a")],
}


@pytest.mark.parametrize("kind", ROWS)
def test_packed_rows_come_out_as_they_were(kind: str) -> None:
    rows = ROWS[kind]
    packed = pickle.loads(pickle.dumps(Packed.of(rows)))
    assert (list(packed), len(packed), packed == Packed.of(rows)) == (rows, len(rows), True)
    for place in range(len(rows[0]) if rows else 0):
        assert packed.column(place) == [row[place] for row in rows]
        assert packed[0] == rows[0]


@pytest.mark.parametrize("kind", ROWS)
def test_each_row_has_what_is_shared_and_what_is_its_own(kind: str) -> None:
    rows = ROWS[kind]
    packed = Packed.of(rows)
    shared = [rows[0][place] for place in packed.shared]
    own = [[value for place, value in enumerate(row) if place not in packed.shared] for row in rows]
    assert packed.values(0, len(rows)) == [*shared, *chain.from_iterable(own)]
    assert packed.values(1, 2) == [*shared, *chain.from_iterable(own[1:2])]


def test_only_what_every_row_has_is_shared() -> None:
    assert Packed.of(ROWS["some that share a column"]).shared == {1: "a"}
    assert Packed.of(ROWS["one"]).shared == {}
