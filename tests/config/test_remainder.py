"""What can still be checked of a broken project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from syncflow.config.diagnostics import Diagnostic
from syncflow.config.project import Project, survey_project
from tests.config.projects import copy_project

BROKEN = [
    ("routes.yaml", "    limits:", "    limit:", {"crm_contact", "news_person"}),
    ("routes.yaml", "in_flight: 4", "in_flight: four", {"crm_contact", "news_person"}),
    ("routes.yaml", "    adapter: news", "    timeout: 5s", {"crm_contact"}),
    ("routes.yaml", "lead: crm", "lead: crn", {"crm_contact", "news_person"}),
    ("routes.yaml", "routes:\n  - by", "routes:\n    by", set()),
    ("routes.yaml", "  - by: item.contact_type", "  - bye: item.contact_type", {"crm_contact", "news_person"}),
    ("mappings/crm_contact.yaml", "Our_Id: item.id", "Our_Id: 5", {"news_person"}),
    ("mappings/crm_contact.yaml", "Our_Id: item.id", "Our_Id: [", {"news_person"}),
    ("adapters/news.yaml", "repeat: safe", "repeat: never", {"crm_contact"}),
    ("objects/crm_Contact.yaml", "type: option", "type: optoin", {"news_person"}),
    ("schemas/contact.yaml", "type: object", "type: objct", set()),
]


def broken(directory: Path, file: str, old: str, new: str) -> Path:
    routes = copy_project(directory)
    text = (directory / file).read_text()
    assert old in text
    (directory / file).write_text(text.replace(old, new, 1))
    return routes


@pytest.mark.parametrize(("file", "old", "new", "left"), BROKEN)
def test_what_does_not_need_the_broken_part_is_left(
    file: str, old: str, new: str, left: set[str], tmp_path: Path
) -> None:
    survey = survey_project(broken(tmp_path, file, old, new), environment={})
    assert survey.project is None
    assert {path.stem for path in survey.sound.mappings} == left if survey.sound else not left


def every_name(project: Project) -> Iterator[Diagnostic]:
    yield project.routes.report("SF410", "said of routes", "routes")
    for mapping in project.mappings.values():
        yield mapping.report("SF301", mapping.path.stem, "fields")
        yield mapping.report("SF410", "said of routes", "fields")


def test_a_further_check_speaks_of_what_is_left_but_not_of_routes(tmp_path: Path) -> None:
    routes = broken(tmp_path, "mappings/crm_contact.yaml", "Our_Id: item.id", "Our_Id: 5")
    found = survey_project(routes, environment={}).checked_by(every_name)
    assert [(each.code, each.message) for each in found] == [
        ("SF207", "the bare 5 is no expression"),
        ("SF301", "news_person"),
    ]


def test_a_good_project_is_checked_as_a_whole(tmp_path: Path) -> None:
    found = survey_project(copy_project(tmp_path), environment={}).checked_by(every_name)
    assert [each.code for each in found] == ["SF301", "SF410", "SF301", "SF410", "SF410"]


def test_many_wrong_entries_of_a_list_are_taken_out(tmp_path: Path) -> None:
    wrong = "routes:\n" + "  - {when: item.id}\n  - {too: crm}\n  - 5\n" * 6
    survey = survey_project(broken(tmp_path, "routes.yaml", "routes:\n", wrong), environment={})
    assert survey.sound is not None
    assert [route.by for route in survey.sound.routes.model.routes] == ["item.contact_type"]
