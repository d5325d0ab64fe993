"""schema export: a file for each kind, or one on standard output."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Command

KINDS = {"routes", "mapping", "schema", "object", "adapter"}


def test_export_writes_a_file_for_each_kind(command: Command, tmp_path: Path) -> None:
    ended = command("schema", "export", tmp_path / "new")
    assert ended.code == 0
    assert {path.stem for path in (tmp_path / "new").glob("*.json")} == KINDS
    assert f"wrote {tmp_path / 'new' / 'routes.json'}\n" in ended.out


def test_export_writes_where_the_lines_of_init_point_to(command: Command, project: Path) -> None:
    assert command("schema", "export").code == 0
    assert {path.stem for path in (project / ".syncflow" / "schemas").iterdir()} == KINDS


def test_export_prints_one_kind(command: Command) -> None:
    ended = command("schema", "export", "--kind", "mapping")
    assert ended.code == 0
    assert json.loads(ended.out)["title"] == "A syncflow mapping file"


def test_what_is_exported_does_not_change_from_run_to_run(command: Command) -> None:
    assert command("schema", "export", "--kind", "routes") == command("schema", "export", "--kind", "routes")


def test_export_says_where_it_cannot_write(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    ended = command("schema", "export", tmp_path / "file")
    assert ended.code == 1
    assert ended.err.startswith("error: cannot write ")
