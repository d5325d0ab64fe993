"""Whatever lies where a file is needed: a clear error, at once, and no line of a file of the system."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from syncflow.compiler.checks.unused_files import check_unused_files
from syncflow.config.project import load_project, read_project
from syncflow.config.regular_files import oddity, read_regular
from syncflow.errors import UnavailableError
from syncflow.runtime.journal.lock import lock_of
from syncflow.runtime.journal.sqlite.database import connect
from tests.config.projects import copy_project


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(path.parent)  # the address of a socket holds 108 bytes only
        try:
            listening.bind(path.name)
        finally:
            os.chdir(here)


_MAKERS: dict[str, Callable[[Path], None]] = {
    "a named pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a socket": _socket,
    "a directory": Path.mkdir,
    "a link that leads back to itself": lambda path: path.symlink_to(path.name),
    "a link that leads nowhere": lambda path: path.symlink_to("nowhere.yaml"),
}
odd_things = pytest.mark.parametrize(("kind", "make"), _MAKERS.items(), ids=list(_MAKERS))


@odd_things
def test_an_odd_file_is_named_and_never_read(kind: str, make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "odd")
    assert oddity(tmp_path / "odd") == kind
    with pytest.raises(OSError, match=r"."):
        read_regular(tmp_path / "odd")


@odd_things
@pytest.mark.parametrize("word", ["schema", "mapping"])
def test_an_odd_file_as_a_schema_or_mapping_is_an_error(
    word: str, kind: str, make: Callable[[Path], None], tmp_path: Path
) -> None:
    routes = copy_project(tmp_path)
    documents = load_project(routes, environment={})
    path = next(iter((documents.schemas if word == "schema" else documents.mappings).values())).path
    path.unlink()
    make(path)
    _, found = read_project(routes, environment={})
    message = f"{path.relative_to(tmp_path)} cannot be read: it is {kind}, a file is needed"
    assert message in [diagnostic.message for diagnostic in found]


@odd_things
def test_an_odd_file_that_nothing_names_does_not_keep_validate_waiting(
    kind: str, make: Callable[[Path], None], tmp_path: Path
) -> None:
    routes = copy_project(tmp_path)
    make(tmp_path / "odd.yaml")
    make(tmp_path / "mappings" / "odd.yaml")
    found = list(check_unused_files(load_project(routes, environment={})))
    assert not [diagnostic for diagnostic in found if "odd" in diagnostic.span.file], kind


@odd_things
def test_an_odd_file_as_routes_is_an_error(kind: str, make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "routes.yaml")
    project, found = read_project(tmp_path / "routes.yaml", environment={})
    assert (project, [diagnostic.code[:4] for diagnostic in found]) == (None, ["SF10"]), kind


@pytest.mark.parametrize("through_a_link", [False, True])
def test_no_line_of_a_file_of_the_system_is_quoted(through_a_link: bool, tmp_path: Path) -> None:
    secret = tmp_path / "system" / "passwd"
    secret.parent.mkdir()
    secret.write_text("root:x:0:0:hush\n: - [")
    routes = copy_project(tmp_path / "project")
    schema = next(iter(load_project(routes, environment={}).schemas.values())).path
    if through_a_link:
        schema.unlink()
        schema.symlink_to(secret)
    else:
        text = routes.read_text("utf-8")
        routes.write_text(text.replace(str(schema.relative_to(routes.parent)), str(secret)), "utf-8")
    _, found = read_project(routes, environment={})
    said = schema.relative_to(routes.parent) if through_a_link else secret
    message = f"{said} is outside the project's folder, and its name does not end in .yaml, .yml or .json"
    assert message in [diagnostic.message for diagnostic in found]
    assert not [
        each for each in found if "hush" in f"{each} {each.span.source.text if hasattr(each.span, 'source') else ''}"
    ]


def _settings_found(tmp_path: Path, *settings: str) -> list[str]:
    """Return what is wrong with a source and a journal in place of the project's own."""
    routes = copy_project(tmp_path)
    text = routes.read_text("utf-8")
    assert "\njournal:" not in text
    lines = text.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("source:"))
    end = next(number for number in range(at + 1, len(lines)) if lines[number][:1].strip())
    lines[at:end] = settings
    routes.write_text("\n".join(lines), "utf-8")
    _, found = read_project(routes, environment={})
    return [each.message for each in found if each.code == "SF205"]


def test_the_journal_is_not_the_file_of_events(tmp_path: Path) -> None:
    (tmp_path / "people.jsonl").touch()
    (tmp_path / "link.db").symlink_to("people.jsonl")
    message = "the journal is the file of events (people.jsonl), and would be written over it"
    source = "source: {file: {path: people.jsonl}}"
    assert _settings_found(tmp_path, source, "journal: {path: ./people.jsonl}") == [message]
    assert _settings_found(tmp_path, source, "journal: {path: link.db}") == [message]


def test_a_compressed_file_cannot_be_followed(tmp_path: Path) -> None:
    message = "a compressed file does not grow, and cannot be followed"
    assert _settings_found(tmp_path, "source: {file: {path: a.jsonl.gz, follow: true}}") == [message]
    assert _settings_found(tmp_path, "source: {file: {path: a.jsonl.gz}}") == []


@odd_things
def test_an_odd_file_as_the_journal_is_refused_also_by_who_only_looks(
    kind: str, make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path / "journal.db")
    with pytest.raises(UnavailableError, match=f"journal.db cannot be used: it is {kind}$"):
        connect(tmp_path / "journal.db", read_only=True)


def test_links_to_one_journal_share_its_lock(tmp_path: Path) -> None:
    (tmp_path / "journal.db").touch()
    (tmp_path / "link.db").symlink_to("journal.db")
    assert lock_of(tmp_path / "link.db") == lock_of(tmp_path / "journal.db")
