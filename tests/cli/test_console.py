"""Tables in a terminal that is too narrow for them."""

from __future__ import annotations

import pytest

from syncflow.cli.console import say_table

HEADERS = ("ROUTE", "READ", "ALREADY DONE", "DELIVERED")


@pytest.mark.parametrize(("columns", "shown"), [(80, True), (30, False)])
def test_a_narrow_terminal_is_spared_columns_of_zeros(
    columns: int, shown: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    say_table(HEADERS, [("a", 7, 0, 7), ("b", 0, 0, 1)], numbers=frozenset(HEADERS[1:]))
    header, _, first, _ = capsys.readouterr().out.splitlines()
    assert header.split() == [word for name in HEADERS if shown or name != "ALREADY DONE" for word in name.split()]
    assert first.split() == ["a", "7", *(["0"] if shown else []), "7"]
