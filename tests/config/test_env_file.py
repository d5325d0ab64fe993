"""Variables of a project from `.env`: what is set in the process wins, nothing is printed, a reload sees changes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from syncflow.compiler.footprint import files_of
from syncflow.config.env_file import environment_for
from syncflow.config.project import load_project
from syncflow.errors import ProjectError
from tests.compiler.projects import write_project

LINES = """
# a comment
CRM_TOKEN=abc-123 # behind a blank: a comment
export QUOTED="two words"
SINGLE='a#b $HOME'
EMPTY=
NOT_EXPANDED=${CRM_TOKEN}
"""


def test_the_usual_forms_of_lines_are_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(LINES, "utf-8")
    assert environment_for(tmp_path, own={}) == {
        "CRM_TOKEN": "abc-123",
        "QUOTED": "two words",
        "SINGLE": "a#b $HOME",
        "EMPTY": "",
        "NOT_EXPANDED": "${CRM_TOKEN}",
    }


def test_what_the_process_has_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=file\nB=file\n", "utf-8")
    assert environment_for(tmp_path, own={"A": "process"}) == {"A": "process", "B": "file"}


def test_another_file_can_be_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=usual\n", "utf-8")
    (tmp_path / "staging.env").write_text("A=staging\n", "utf-8")
    named = str(tmp_path / "staging.env")
    assert environment_for(tmp_path, own={"SYNCFLOW_ENV_FILE": named})["A"] == "staging"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: None, "No such file or directory"),
        (lambda path: path.write_bytes(b"A=\xff\n"), "it is not text in UTF-8"),
        (Path.mkdir, "it is a directory"),
        (os.mkfifo, "it is a named pipe"),
    ],
    ids=["none", "no text", "a folder", "a pipe"],
)
def test_a_named_file_that_cannot_be_read_is_an_error(
    make: Callable[[Path], object], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "vars"
    make(path)
    with pytest.raises(ProjectError, match=f"the variables in .*vars cannot be read: {words}"):
        environment_for(tmp_path, own={"SYNCFLOW_ENV_FILE": str(path)})


def test_a_project_takes_its_variables_from_the_file_beside_it_and_sees_them_change(tmp_path: Path) -> None:
    path = write_project(tmp_path)
    text = path.read_text("utf-8").replace("sales: {adapter: crm}", 'sales: {adapter: crm, base_url: "${SALES_URL}"}')
    path.write_text(text, "utf-8")
    (tmp_path / ".env").write_text("SALES_URL=https://one.example\n", "utf-8")
    before = load_project(path)
    assert before.routes.model.systems["sales"].base_url == "https://one.example"
    assert tmp_path / ".env" in files_of(before)
    (tmp_path / ".env").write_text("SALES_URL=https://two.example\n", "utf-8")
    assert load_project(path).routes.model.systems["sales"].base_url == "https://two.example"
