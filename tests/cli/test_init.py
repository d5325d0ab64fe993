"""init: what it writes is the default project, and it overwrites nothing."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from syncflow.mock.server import Running
from tests.cli.conftest import ROOT, Command
from tests.patience import PATIENCE

TEMPLATE = ROOT / "syncflow" / "cli" / "project"
SAME = {"events.jsonl": "examples/events.jsonl"}


def written(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_template_is_the_default_project() -> None:
    default = {name: (ROOT / SAME.get(name, name)).read_bytes() for name in written(TEMPLATE)}
    assert written(TEMPLATE) == default


def split(content: bytes) -> tuple[str, bytes]:
    """Return the line for editors of a file, empty where it has none, and the rest."""
    first, _, rest = content.partition(b"\n")
    return (first.decode(), rest) if first.startswith(b"# yaml-language-server") else ("", content)


def test_init_writes_the_template(command: Command, tmp_path: Path) -> None:
    ended = command("init", tmp_path / "new" / "project")
    assert ended.code == 0
    found = written(tmp_path / "new" / "project")
    assert {name: split(found[name])[1] for name in found if not name.startswith(".")} == written(TEMPLATE)
    assert "wrote " in ended.out
    assert "syncflow dry-run" in ended.out
    assert (
        "Editors check these files by .syncflow/schemas, which git ignores: after a clone, `syncflow schema export` writes it again.\n"
    ) in ended.out


def test_every_file_of_a_new_project_tells_editors_where_its_schema_is(command: Command, tmp_path: Path) -> None:
    command("init", tmp_path)
    for path in tmp_path.rglob("*.yaml"):
        prefix, _, schema = split(path.read_bytes())[0].partition("$schema=")
        assert prefix == "# yaml-language-server: "
        assert json.loads((path.parent / schema).read_text("utf-8"))["type"] == "object"
    assert (tmp_path / ".syncflow" / ".gitignore").read_text("utf-8") == "*\n"


def test_a_new_project_is_good(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command("init", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert command("validate", "--strict").code == 0
    assert command("test").code == 0


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


OTHERS = ("csv", "webhook", "api")


def test_the_templates_are_listed(command: Command) -> None:
    listed = command("init", "--list").out
    assert all(name in listed for name in ("contacts", *OTHERS))


@pytest.mark.parametrize("name", OTHERS)
def test_every_template_is_good(name: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = command("init", tmp_path, "--template", name)
    assert (ended.code, "Next:" in ended.out) == (0, True)
    monkeypatch.chdir(tmp_path)
    assert command("validate", "--strict").code == 0
    assert command("test").code == 0
    for adapter in (tmp_path / "adapters").glob("*.yaml"):
        assert command("adapters", "check", adapter.stem).code == 0


def test_the_template_of_a_csv_file_runs_against_the_mock(
    command: Command, tmp_path: Path, mock: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("init", tmp_path, "--template", "csv")
    monkeypatch.chdir(tmp_path)
    assert command("run", "--quiet").code == 0
    held = httpx.get(f"{mock.url}/admin/records/hubspot/contacts", timeout=PATIENCE).json()
    rows = held["records"] if isinstance(held, dict) else held
    fields = [row.get("properties", row.get("fields", row)) for row in rows]
    assert sorted(row["lastname"] for row in fields) == ["Hopper", "Müller", "Smith"]


def test_a_slip_in_a_templates_name_gets_the_nearest(command: Command, tmp_path: Path) -> None:
    ended = command("init", tmp_path, "--template", "cvs")
    assert (ended.code, ended.err) == (1, "error: there is no template 'cvs'\nhint: did you mean 'csv'?\n")
