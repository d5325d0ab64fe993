"""Runs over CSV: what is wrong with the whole file stops before the first row, and moves nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command

ENVELOPE = """envelope: {record: "'contacts'", operation: "'update'", timestamp: null, item: "@"}\n"""
HEADER = "id,name,email,contact_type,phone,created_at,updated_at"


@pytest.fixture
def rows(project: Path, mock: object) -> Path:
    path = project / "routes.yaml"
    text = path.read_text("utf-8").replace("requests: 5/s", "requests: 1000/s")
    start, end = text.index("source:"), text.index("records:")
    path.write_text(text[:start] + "source: {file: {path: people.csv}}\n" + ENVELOPE + text[end:], "utf-8")
    return project


WRONG = {
    "a column that is read": (
        f"{HEADER.replace('email', 'e-mail')}\nC1,Ada Lovelace,ada@example.com,lead,,,\n",
        "error: people.csv: the header has no column `email`, which mappings/",
    ),
    "the delimiter": (
        f"{HEADER.replace(',', ':')}\nC1:Ada Lovelace::lead:::\n",
        "error: people.csv: the header has no column `id`, which ",
    ),
    "the id": (
        f"{HEADER}\n,Ada Lovelace,,lead,,,\n",
        "error: people.csv: the first row (line 2) has no id: its column `id`",
    ),
    "the first row": (f"{HEADER}\nC1;Ada Lovelace;;lead;;;\n", "error: people.csv: the first row (line 2) is one cell"),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_file_that_is_wrong_as_a_whole_is_one_error_and_is_read_once_it_is_right(
    text: str, message: str, command: Command, rows: Path
) -> None:
    (rows / "people.csv").write_text(text + "C2,Eve Moss,,lead,,,\n" * 50, "utf-8")
    ended = command("run", "--quiet")
    assert ended.code == 1
    assert ended.err.startswith(message)
    assert len([line for line in ended.err.splitlines() if line.startswith("error")]) == 1
    assert "dead letter" not in ended.out.replace("0 dead letters", "")
    (rows / "people.csv").write_text(
        f"{HEADER}\nC1,Ada Lovelace,,lead,,,\nC2,Eve Moss,,lead,,2024-01-15 10:30:00,\n", "utf-8"
    )
    ended = command("run", "--quiet")
    assert (ended.code, ended.out.splitlines()[0]) == (0, "2 events read: 2 routed, 0 ignored, 0 dead letters")


def test_empty_cells_of_optional_properties_are_delivered(command: Command, rows: Path) -> None:
    (rows / "people.csv").write_text(f"{HEADER}\nC1,Ada Lovelace,,customer,,,\n", "utf-8")
    shown = json.loads(command("dry-run", "--output", "json").out)
    (delivery,) = shown["events"][0]["deliveries"]
    assert (shown["events"][0]["becomes"], delivery["payload"]["email"]) == ("routed", None)
    assert command("run", "--quiet").code == 0


def test_files_by_a_pattern_are_read_by_one_run_and_go_on_in_the_next(command: Command, rows: Path) -> None:
    path = rows / "routes.yaml"
    path.write_text(path.read_text("utf-8").replace("path: people.csv", "path: 'exports/*.csv'"), "utf-8")
    (rows / "exports").mkdir()
    for name in ("b", "a"):
        (rows / "exports" / f"{name}.csv").write_text(f"{HEADER}\nC{name},Ada Lovelace,,lead,,,\n", "utf-8")
    assert command("run", "--quiet").out.startswith("2 events read: 2 routed")
    (rows / "exports" / "c.csv").write_text(f"{HEADER}\nCc,Ada Lovelace,,lead,,,\n", "utf-8")
    assert command("run", "--quiet").out.startswith("1 event read: 1 routed")
