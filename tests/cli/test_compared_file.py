"""Runs of a project that compares an export: what is different arrives, what is gone is deleted, a mended mapping is enough."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from syncflow.mock.server import running_mock
from tests.journeys.sides import SYNCFLOW, UNLIMITED, default_project, held, run
from tests.patience import PATIENCE, until

SOURCE = "file: {path: people.csv, changes: diff, key: id, record: contacts, missing_columns: null}"
HEAD = "id,name,email,contact_type,visits\n"


def export(folder: Path, *rows: str) -> None:
    """Write under another name and rename, as a careful writer does; its last write is not of just now."""
    path = folder / "people.new"
    path.write_text(HEAD + "".join(f"{row}\n" for row in rows), "utf-8")
    os.utime(path, (time.time() - 60, time.time() - 60))
    path.rename(folder / "people.csv")


def test_differences_arrive_and_what_is_gone_is_deleted(tmp_path: Path) -> None:
    path = default_project(tmp_path, source=SOURCE)
    rows = [f"C{number},Ada L{number},a{number}@example.com,lead,1" for number in range(20)]
    export(tmp_path, *rows)
    with running_mock(UNLIMITED) as mock:
        first = run(path, mock.url)
        assert (first.code, first.ending["events"]["routed"]) == (0, 20), first.err
        export(tmp_path, "C0,Bob L0,a0@example.com,lead,1", *(row[:-1] + "2" for row in rows[1:19]))
        second = run(path, mock.url)
        assert (second.code, second.ending["events"]["routed"]) == (0, 2), "visits are read by nothing"
        found = held(mock.url, "salesforce", "Contact")
        assert sorted(found) == sorted(f"C{number}" for number in range(19))
        assert found["C0"]["FirstName"] == "Bob"
        export(tmp_path, rows[1])
        third = run(path, mock.url)
        assert third.code == 1
        assert "18 of 19 known rows are gone" in third.err
        assert len(held(mock.url, "salesforce", "Contact")) == 19


def test_a_dead_letter_is_handed_on_again_once_the_schema_is_mended(tmp_path: Path) -> None:
    path = default_project(tmp_path, source=SOURCE)
    schema = tmp_path / "schemas" / "contact.yaml"
    good = schema.read_text("utf-8")
    assert "maxLength: 200" in good
    schema.write_text(good.replace("maxLength: 200", "maxLength: 6"), "utf-8")
    export(tmp_path, "C1,Grace Hopper,a@example.com,lead,1", "C2,Bob L,b@example.com,lead,1")
    with running_mock(UNLIMITED) as mock:
        first = run(path, mock.url)
        assert (first.ending["events"]["routed"], first.ending["dead_letters"]) == (1, 1), first.err
        schema.write_text(good, "utf-8")
        second = run(path, mock.url)
        assert (second.code, second.ending["events"]["routed"]) == (0, 1), second.err
        assert sorted(held(mock.url, "salesforce", "Contact")) == ["C1", "C2"]


def test_a_run_looks_at_the_file_again_and_again(tmp_path: Path) -> None:
    path = default_project(tmp_path, source=SOURCE.replace("record", "every: 200ms, record"))
    export(tmp_path, "C1,Ada L,a@example.com,lead,1", "C2,Bob L,b@example.com,lead,1")
    with running_mock(UNLIMITED) as mock:
        going = subprocess.Popen(
            [*SYNCFLOW, "run", "--quiet"], cwd=path.parent, env=os.environ | {"MOCK_URL": mock.url}
        )
        try:
            until(lambda: set(held(mock.url, "salesforce", "Contact")) == {"C1", "C2"})
            (tmp_path / "people.csv").unlink()
            export(tmp_path, "C1,Ada L,a@example.com,lead,1", "C3,Eve L,c@example.com,lead,1")
            until(lambda: set(held(mock.url, "salesforce", "Contact")) == {"C1", "C3"})
        finally:
            going.terminate()
            going.wait(PATIENCE)


@pytest.mark.parametrize("command", [["dry-run"], ["dry-run", "--events", "people.csv"], ["explain", "--limit", "1"]])
def test_looking_takes_the_first_rows_and_remembers_nothing(command: list[str], tmp_path: Path) -> None:
    default_project(tmp_path, source=SOURCE)
    export(tmp_path, "C1,Ada L,a@example.com,lead,1", "C2,Bob L,b@example.com,lead,1")
    ran = subprocess.run(
        [*SYNCFLOW, *command],
        cwd=tmp_path,
        env=os.environ | {"MOCK_URL": "http://127.0.0.1:1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "C1" in ran.stdout
    assert not list(tmp_path.glob(".syncflow/*.file-contacts.db"))
