"""init: what it writes is the default project, and it overwrites nothing."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import ROOT, Command

TEMPLATE = ROOT / "syncflow" / "cli" / "project"
SAME = {"events.jsonl": "examples/events.jsonl"}


def written(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_template_is_the_default_project() -> None:
    default = {name: (ROOT / SAME.get(name, name)).read_bytes() for name in written(TEMPLATE)}
    assert written(TEMPLATE) == default


def test_init_writes_the_template(command: Command, tmp_path: Path) -> None:
    ended = command("init", tmp_path / "new" / "project")
    assert ended.code == 0
    assert written(tmp_path / "new" / "project") == written(TEMPLATE)
    assert "wrote " in ended.out
    assert "syncflow dry-run" in ended.out


def test_init_overwrites_nothing_and_writes_nothing_then(command: Command, tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_text("mine", "utf-8")
    ended = command("init", tmp_path)
    assert ended.code == 1
    assert ended.err == (
        f"error: nothing was written: {tmp_path / 'routes.yaml'} is there already\n"
        "hint: choose an empty folder: syncflow init my-project\n"
    )
    assert written(tmp_path) == {"routes.yaml": b"mine"}


def test_init_says_where_it_cannot_write(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    ended = command("init", tmp_path / "file")
    assert ended.code == 1
    assert ended.err.startswith("error: cannot write ")
    assert "Traceback" not in ended.err
