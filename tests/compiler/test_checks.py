"""Checks: each broken project has its diagnostics, word for word, and the good one has none.

``UPDATE_CASES=1`` writes what is said now; read the difference before you keep it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from syncflow.compiler.build import build
from syncflow.compiler.every_profile import check_every_profile
from syncflow.compiler.problems import check
from syncflow.config.codes import CODES
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.project import load_project
from syncflow.config.render import render
from tests.compiler.projects import FILES, changed, open_project, write_project

CASES = sorted((Path(__file__).parent / "cases").glob("*.txt"))
ENVIRONMENT = {"CRM_TOKEN": "given-by-the-environment", "SALES_URL": "https://crm.example"}
GOOD = sorted((Path(__file__).parent / "good").glob("*.txt"))


def changes_of(case: str) -> dict[str, str]:
    """Read the ``file: old => new`` lines of a case; where the old is (nothing), it is a new file."""
    files: dict[str, str] = {}
    for line in case.splitlines():
        name, _, words = line.partition(": ")
        old, _, new = words.partition(" => ")
        old, new = old.replace("\\n", "\n").replace("(nothing)", ""), new.replace("\\n", "\n").replace("(nothing)", "")
        text = files.get(name, FILES[name] if old else "")
        assert old in text, line
        files[name] = text.replace(old, new, 1)
    return files


def found(directory: Path, case: str) -> list[Diagnostic]:
    """Return what ``validate`` says of a broken project, with every profile."""
    return check_every_profile(write_project(directory, changes_of(case)), environment=ENVIRONMENT)


def test_a_good_project_has_no_diagnostics(tmp_path: Path) -> None:
    assert check(open_project(tmp_path)) == []


@pytest.mark.parametrize("case", GOOD, ids=lambda path: path.stem)
def test_a_good_project_stays_silent(case: Path, tmp_path: Path) -> None:
    """What is written as it should be is worth no word, not even under --strict; and it compiles."""
    project = open_project(
        tmp_path,
        changes_of(case.read_text(encoding="utf-8").strip("\n").partition("\n---\n")[0]),
        environment=ENVIRONMENT,
    )
    assert render(check(project), "text") == ""
    build(project)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_a_broken_project_says_what_is_wrong(case: Path, tmp_path: Path) -> None:
    changes, _, expected = case.read_text(encoding="utf-8").partition("---\n")
    text = render(found(tmp_path, changes.strip()), "text").replace(f"{tmp_path.as_posix()}/", "")
    if os.environ.get("UPDATE_CASES"):
        case.write_text(f"{changes}---\n{text.strip()}\n", encoding="utf-8")
        return
    assert text.strip() == expected.strip()


def test_every_code_of_the_checks_has_a_case_and_a_page(tmp_path: Path) -> None:
    seen = {code for case in CASES for code in CODES if f" {code} " in case.read_text(encoding="utf-8")}
    spans = [("SF300", "SF400"), ("SF410", "SF500"), ("SF503", "SF511"), ("SF516", "SF519"), ("SF521", "SF524")]
    spans += [("SF209", "SF210"), ("SF602", "SF606"), ("SF610", "SF616"), ("SF617", "SF619")]
    ours = {code for code in CODES if any(first <= code < end for first, end in spans)}
    assert ours <= seen


@pytest.mark.parametrize(
    ("comment", "codes"),
    [
        (("  # syncflow: allow=SF331", "", ""), []),
        (("", "", " {# syncflow: allow=SF331 #}"), []),
        (("", " {# syncflow: allow=SF331 #}", ""), ["SF331"]),
        (("  # syncflow: allow=SF330", "", ""), ["SF331"]),
    ],
    ids=["on the block", "in its line", "in another line", "another code"],
)
def test_a_warning_in_a_block_can_be_allowed_where_the_block_begins(
    tmp_path: Path, comment: tuple[str, str, str], codes: list[str]
) -> None:
    block = "last_name: |{}\n    {{{{ item.id }}}}{}\n    {{{{ item.name }}}}{}".format(*comment)
    files = changed("person.yaml", ("last_name: item.name || 'Unknown'", block))
    target = changed("adapters/objects/people.yaml", ("last_name: {length: 10, required: true}", "last_name: {}"))
    assert [found.code for found in check(open_project(tmp_path, {**files, **target}))] == codes


def test_a_warning_can_be_allowed_in_its_line(tmp_path: Path) -> None:
    routes = write_project(tmp_path)
    mapping = tmp_path / "person.yaml"
    mapping.write_text(
        mapping.read_text().replace(
            "external_id: item.id", "external_id: item.email   # syncflow: allow=SF318, SF342, SF346"
        ),
        encoding="utf-8",
    )
    assert check(load_project(routes, environment={})) == []


@pytest.mark.parametrize(
    "url",
    [
        "amqp://guest:guest@localhost/",
        "amqp://crm:${CRM_TOKEN}@mq.acme.com/",
        "${MQ_URL:-amqp://guest:guest@127.0.0.1/}",
        "${MQ_URL}",
        "amqps://mq.acme.com/",
    ],
)
def test_an_address_without_a_secret_is_no_matter(url: str, tmp_path: Path) -> None:
    """Servers of this machine may have the password that everybody knows."""
    source = f'rabbitmq: {{url: "{url}", queue: contacts}}'
    assert found(tmp_path, f"routes.yaml: file: {{path: events.jsonl}} => {source}") == []
