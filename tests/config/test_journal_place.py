"""A journal is found by the routes file that names it, also where that file is wrong elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncflow.config.journal_place import PostgresPlace, find_journal
from syncflow.config.journal_settings import check_journal
from syncflow.config.project import read_project
from syncflow.config.render import render
from syncflow.errors import ProjectError
from tests.config.projects import copy_project

GOOD = """\
source: {file: {path: events.jsonl}}
records: {contacts: {schema: contact.yaml, id: item.id}}
systems: {crm: {adapter: hubspot, base_url: "${CRM_URL}", auth: {token: "${TOKEN}"}}}
routes: [{to: crm, mapping: mapping.yaml}]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "routes.yaml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("broken", ["", "retry: {attempts: many}\n"], ids=["whole", "broken elsewhere"])
def test_a_journal_in_a_database_is_found_with_what_its_address_holds_of_variables(tmp_path: Path, broken: str) -> None:
    text = GOOD + "journal: {url: '${WHERE}', schema: crm, project: shop}\n" + broken
    found = find_journal(written(tmp_path, text), environment={"WHERE": "postgresql://u:secret-word@h/d"})
    assert found.path == PostgresPlace("postgresql://u:secret-word@h/d", "crm", "shop")
    assert "secret-word" not in f"{found.path} {found.path!r}"
    with pytest.raises(ProjectError):
        find_journal(written(tmp_path, text), environment={})


def test_a_project_is_called_by_its_folder_where_the_journal_says_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "crm-sync"
    folder.mkdir()
    found = find_journal(written(folder, GOOD + "journal: {url: 'postgresql://h/d'}\n"), environment={})
    assert found.path == PostgresPlace("postgresql://h/d", "syncflow", "crm-sync")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (GOOD, ".syncflow/journal.db"),
        (GOOD + "journal: {path: kept/j.db}\n", "kept/j.db"),
        (GOOD + "journal: {path: '${WHERE}/j.db'}\n", "there/j.db"),
        (GOOD + "journal: {path: a.db}\nprofile: live\nprofiles: {live: {journal: {path: b.db}}}\n", "b.db"),
    ],
    ids=["the usual", "named", "by a variable", "of the profile"],
)
def test_the_place_is_the_one_that_a_run_uses(tmp_path: Path, text: str, place: str) -> None:
    found = find_journal(written(tmp_path, text), environment={"WHERE": "there"})
    assert found == (tmp_path / place, ())


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (GOOD.replace("routes:", "rouets:"), ["4:1: SF201 unknown key `rouets` (did you mean `routes`?)"]),
        (
            GOOD.replace("systems:", "retry: {attempts: many}\nsystems:"),
            ["3:19: SF203 `attempts` is not a whole number"],
        ),
        (GOOD + "journal: {sync: perhaps, path: kept.db}\n", ["5:17: SF204 this is not a value of `sync`"]),
    ],
    ids=["a misspelt key", "a wrong value", "a wrong value beside the path"],
)
def test_what_is_wrong_elsewhere_is_returned_beside_the_place(tmp_path: Path, broken: str, told: list[str]) -> None:
    path = written(tmp_path, broken)
    found = find_journal(path, environment={})
    assert found.path == tmp_path / ("kept.db" if "kept.db" in broken else ".syncflow/journal.db")
    assert render(found.errors, "concise").splitlines() == [f"{path}:{line}" for line in told]


@pytest.mark.parametrize("text", ["routes: [\n", "- a list\n", ""], ids=["no YAML", "a list", "empty"])
def test_of_a_file_that_cannot_be_read_at_all_the_usual_journal_beside_it_is_meant(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ProjectError) as refused:
        find_journal(path, environment={})
    (tmp_path / ".syncflow").mkdir()
    (tmp_path / ".syncflow" / "journal.db").touch()
    found = find_journal(path, environment={})
    assert found == (tmp_path / ".syncflow" / "journal.db", refused.value.diagnostics)
    with pytest.raises(ProjectError):
        find_journal(path, profile="live", environment={})


@pytest.mark.parametrize(
    ("text", "profile", "told"),
    [
        (GOOD + "journal: {path: '${WHERE}/j.db'}\n", None, "5:18: SF121 the variable WHERE is not set"),
        (GOOD + "journal: {path: [a, b]}\n", None, "5:11: SF203 `path` is not text"),
        (GOOD + "journal: nowhere\n", None, "5:10: SF203 `journal` is not a mapping"),
        (GOOD, "live", "1:1: SF220 there is no profile `live` (named by --profile)"),
    ],
    ids=["a missing variable", "a wrong path", "no settings", "an unknown profile"],
)
def test_a_file_that_does_not_say_where_is_refused(tmp_path: Path, text: str, profile: str | None, told: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ProjectError) as refused:
        find_journal(path, profile=profile, environment={})
    assert render(refused.value.diagnostics, "concise").splitlines() == [f"{path}:{told}"]


def test_a_journal_in_a_database_names_the_package_that_is_missing(tmp_path: Path) -> None:
    copy_project(tmp_path)
    path = tmp_path / "routes.yaml"
    path.write_text(path.read_text("utf-8") + "journal: {url: 'postgresql://h/d'}\n", "utf-8")
    project, _ = read_project(path, environment={})
    assert project is not None
    (found,) = check_journal(project.routes, is_installed=lambda _: False)
    assert (found.code, found.message, found.hint) == (
        "SF222",
        "a journal in PostgreSQL needs a package that is not installed",
        "pip install 'syncflow[postgres]'",
    )
