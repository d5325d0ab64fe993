"""Tables: what they leave out, and what where space is short."""

from __future__ import annotations

import pytest

from syncflow.cli.console import counted, say_table

HEADERS = ("ROUTE", "READ", "ALREADY DONE", "DELIVERED")


@pytest.mark.parametrize("columns", [200, 80, 30])
def test_a_table_has_no_column_of_zeros(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    say_table(HEADERS, [("a", 7, 0, 7), ("b", 0, 0, 1)], numbers=frozenset(HEADERS[1:]))
    header, _, first, _ = capsys.readouterr().out.splitlines()
    assert header.split() == ["ROUTE", "READ", "DELIVERED"]
    assert first.split() == ["a", "7", "7"]


@pytest.mark.parametrize(
    ("columns", "shown"), [(80, ["ID", "WHEN", "WHY", "PLACE"]), (62, ["ID", "WHEN", "WHY"]), (40, ["ID", "WHY"])]
)
def test_where_space_is_short_what_can_be_done_without_is_left_out_first(
    columns: int, shown: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    row = (1, "2026-07-15 10:30:00Z", "the e-mail is not valid", "events.jsonl:10")
    say_table(("ID", "WHEN", "WHY", "PLACE"), [row], optional=("PLACE", "WHEN"))
    header, *_ = capsys.readouterr().out.splitlines()
    assert header.split() == shown


@pytest.mark.parametrize(("count", "said"), [(0, "0 values"), (1, "1 value"), (2000, "2,000 values")])
def test_a_count_agrees_with_its_noun(count: int, said: str) -> None:
    assert counted(count, "value") == said


def test_a_table_has_no_column_that_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    say_table(("NAME", "RULE", "COUNT"), [("a", "", 0), ("b", "", 1)], numbers=frozenset({"COUNT"}))
    assert capsys.readouterr().out.splitlines()[0].split() == ["NAME", "COUNT"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"reason": "no route fits", "status": None, "system": None}, "no route fits"),
        ({"reason": "", "status": 400, "system": "crm"}, "crm refused it (status 400)"),
        ({"reason": "", "status": 207, "system": "crm"}, "crm took the request (status 207), but not this record"),
        ({"reason": "", "status": 503, "system": "crm"}, "crm failed (status 503)"),
        ({"reason": "", "status": None, "system": "crm"}, "not delivered to crm"),
    ],
)
def test_why_is_said_in_our_words_and_never_by_a_line_of_yaml(row: dict[str, object], said: str) -> None:
    from syncflow.cli.dead_letters import why_in_our_words

    assert why_in_our_words(row) == said
