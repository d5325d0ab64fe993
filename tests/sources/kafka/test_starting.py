"""Where a partition begins, by what journal, group and broker say."""

from __future__ import annotations

import pytest

from syncflow.events import Position
from syncflow.sources.kafka.starting import Log, begin, is_begun

LOG = Log("t", 0, "id-1", 100, 200)


def at(offset: int, *, life: str = "", evidence: str = "id-1") -> dict[str, Position]:
    name = f"kafka:t/0{life}"
    return {name: Position(name, offset, evidence=evidence), "kafka:t/1": Position("kafka:t/1", 999)}


@pytest.mark.parametrize(
    ("known", "committed", "was_ours", "expected"),
    [
        ({}, None, False, ("kafka:t/0", 150, None)),
        ({}, 120, False, ("kafka:t/0", 120, None)),
        ({}, 200, False, ("kafka:t/0", 200, None)),
        ({}, 90, False, ("kafka:t/0", 100, "missed")),
        ({}, 201, False, ("kafka:t/0", 100, "again")),
        (at(149), None, False, ("kafka:t/0", 150, None)),
        (at(149), 120, False, ("kafka:t/0", 150, None)),
        (at(149), 180, False, ("kafka:t/0", 150, "noted")),
        (at(149), 180, True, ("kafka:t/0", 180, None)),
        (at(199), None, False, ("kafka:t/0", 200, None)),
        (at(99), None, False, ("kafka:t/0", 100, None)),
        (at(89), None, False, ("kafka:t/0", 100, "missed")),
        (at(200), None, False, ("kafka:t/0#2", 100, "again")),
        (at(149, evidence="id-0"), None, False, ("kafka:t/0#2", 100, "again")),
        (at(149, evidence=""), None, False, ("kafka:t/0", 150, None)),
        (at(900, evidence="id-0") | at(149, life="#2"), None, False, ("kafka:t/0#2", 150, None)),
        (at(900) | at(149, life="#2", evidence="id-0"), None, False, ("kafka:t/0#3", 100, "again")),
    ],
)
def test_a_partition_begins_where_nothing_is_skipped_and_nothing_repeated(
    known: dict[str, Position], committed: int | None, was_ours: bool, expected: tuple[str, int, str | None]
) -> None:
    found = begin(LOG, known=known, committed=committed, first=150, was_ours=was_ours)
    assert (found.partition, found.offset, found.report and found.report.kind) == expected


def test_a_topic_is_begun_once_the_journal_or_the_group_knows_a_partition_of_it() -> None:
    assert not is_begun("t", {"kafka:other/0": Position("kafka:other/0", 1)}, {0: None, 1: None})
    assert is_begun("t", {"kafka:t/1": Position("kafka:t/1", 1)}, {0: None})
    assert is_begun("t", {}, {0: None, 1: 0})
