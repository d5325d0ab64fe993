"""Which names a pattern means."""

from __future__ import annotations

import pytest

from syncflow.sources.objects.names import matcher


@pytest.mark.parametrize(
    ("pattern", "name", "is_meant"),
    [
        ("**", "a/b/c.jsonl", True),
        ("*.jsonl", "c.jsonl", True),
        ("*.jsonl", "a/b/c.jsonl", True),
        ("*.jsonl", "a/b/c.jsonl.gz", False),
        ("*.jsonl", "a.jsonl/c.txt", False),
        ("people-[0-9]?.csv", "x/people-07.csv", True),
        ("people-[!0-9].csv", "people-7.csv", False),
        ("2026/*.csv", "2026/a.csv", True),
        ("2026/*.csv", "2026/03/a.csv", False),
        ("2026/**/*.csv", "2026/a.csv", True),
        ("2026/**/*.csv", "2026/03/01/a.csv", True),
        ("2026/**", "2026/03/01/a.csv", True),
        ("2026/**", "2025/03/01/a.csv", False),
        ("**/day=*/part-*", "t/day=1/part-00", True),
        ("**/day=*/part-*", "t/day=1/x/part-00", False),
        ("/*.csv", "a.csv", True),
        ("/*.csv", "x/a.csv", False),
        ("*", "a/b", True),
        ("A.csv", "a.csv", False),
    ],
)
def test_a_pattern_without_a_slash_is_of_the_last_part_else_of_all(
    pattern: str, name: str, is_meant: bool
) -> None:  # a table
    assert matcher(pattern)(name) is is_meant


def test_a_pattern_of_many_stars_is_no_work() -> None:
    assert not matcher("**/" * 40 + "*a*a*a*a*a*a*a*a*b")("a/" * 200 + "a" * 400)
