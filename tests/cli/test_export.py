"""``syncflow export``: what a person types, and what is said."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from syncflow.mock.server import Running
from tests.cli.conftest import Command

HINT = "ids and keys are hashed, events and payloads left out; --personal-data writes them as they are\n"


@pytest.fixture
def after_a_run(command: Command, from_file: Path, mock: Running) -> Path:
    command("run", "--quiet")
    return from_file


def test_an_export_goes_on_where_the_last_one_ended(command: Command, after_a_run: Path) -> None:
    first = command("export", "--mark", "a.mark", "-t", "deliveries", "-t", "runs")
    assert first.code == 0
    assert re.fullmatch(r"export/deliveries.jsonl: \d+ rows\nexport/runs.jsonl: 1 row\n", first.out)
    assert first.err == HINT
    second = command("export", "--mark", "a.mark", "-t", "deliveries")
    assert re.fullmatch(r"export/deliveries-\d{8}T\d{6}Z.jsonl: 0 rows\n", second.out)
    assert {part.split(":")[0] for part in Path("a.mark").read_text("utf-8").split(",")} == {"deliveries", "runs"}
    whole = json.loads(command("export", "-o", "json").out)
    assert whole["personal_data"] is False
    assert json.loads(command("export", "-o", "json", "--after", whole["mark"]).out)["rows"]["events"] == 0


def test_one_table_is_printed(command: Command, after_a_run: Path) -> None:
    lines = command("export", "--to", "-", "-t", "records", "--name", "crm").out.splitlines()
    assert {json.loads(line)["journal"] for line in lines} == {"crm"}
    assert command("export", "--to", "-").code == 2
    assert command("export", "--to", "-", "-t", "runs", "--format", "parquet").code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-t", "deliverys"], "--table is 'deliverys'; did you mean 'deliveries'?"),
        (["--after", "x", "--mark", "y"], "--after and --mark both say where the last export ended"),
        (["--after", "x"], "'x' is not the mark of an export"),
        (["--to", "oracle://me@db/x"], "to write into this database, a package is missing"),
        (["--to", "sqlite:////nowhere/at/all/x.db"], "cannot be written"),
        (["--to", "events.jsonl/x"], "cannot write events.jsonl/x/runs.jsonl"),
    ],
)
def test_a_slip_is_named(arguments: list[str], said: str, command: Command, after_a_run: Path) -> None:
    ended = command("export", *arguments)
    assert ended.code in (1, 2)
    assert said in re.sub(r"\s+", " ", ended.err)
    assert "Traceback" not in ended.err


def test_without_a_journal_nothing_is_made(command: Command, project: Path) -> None:
    ended = command("export", "--to", "out")
    assert ended.code == 1
    assert "there is no journal at" in ended.err
    assert not Path("out").exists()
