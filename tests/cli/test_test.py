"""test: green is 0, red is 1 with the place and both sides, and nothing found is never green."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.conftest import Command


def spoil(project: Path) -> None:
    path = project / "mappings" / "salesforce_contact.yaml"
    path.write_text(path.read_text("utf-8").replace("LastName: Lovelace", "LastName: Byron"), "utf-8")


def without_tests(project: Path) -> None:
    for path in [project / "routes.yaml", *(project / "mappings").iterdir()]:
        text = path.read_text("utf-8")
        if "\ntests:" in text:
            head, _, tail = text.partition("\ntests:")
            after = tail.partition("\n\n")[2]
            path.write_text(f"{head}\n{after}", "utf-8")


def test_the_default_project_passes_its_own_tests(command: Command, project: Path) -> None:
    ended = command("test")
    assert ended.code == 0
    assert "FAIL" not in ended.out
    assert ended.out.splitlines()[-1].endswith(" passed, 0 failed")


def test_a_failure_is_1_with_its_place_and_both_sides(command: Command, project: Path) -> None:
    spoil(project)
    ended = command("test", "--filter", "a lead")
    lines = (project / "mappings/salesforce_contact.yaml").read_text("utf-8").splitlines()
    name = next(number for number, line in enumerate(lines, 1) if "name: a lead" in line)
    expect = next(number for number, line in enumerate(lines, 1) if "Byron" in line)
    assert ended.code == 1
    assert f"FAIL  mappings/salesforce_contact.yaml:{name}  a lead\n" in ended.out
    assert f'      line {expect}: LastName: expected "Byron", found "Lovelace"\n' in ended.out
    assert ended.out.endswith(" 1 failed\n")


def test_no_test_is_1(command: Command, project: Path) -> None:
    without_tests(project)
    ended = command("test")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "error: there is no test\nhint: write some under `tests:` in a mapping or in routes.yaml\n"
    )  # fmt: skip


def test_no_test_of_a_name_is_1(command: Command, project: Path) -> None:
    ended = command("test", "--filter", "a unicorn")
    assert ended.code == 1
    assert ended.err.startswith("error: there is no test whose name or file contains 'a unicorn'\n")


def test_too_little_coverage_is_1(command: Command, project: Path) -> None:
    assert command("test", "--min-coverage", "10").code == 0
    without_tests(project)
    path = project / "mappings" / "hubspot_contact.yaml"
    example = "\ntests: [{name: x, given: {item: {id: A, name: B, contact_type: lead}}, expect: {}}]\n"
    path.write_text(path.read_text("utf-8") + example, "utf-8")
    ended = command("test", "--min-coverage", "10")
    assert ended.code == 1
    assert ended.err == "error: 0.0 % is exercised, less than 10 % (--min-coverage)\n"


def test_coverage_of_some_tests_means_nothing(command: Command, project: Path) -> None:
    assert command("test", "--min-coverage", "10", "--filter", "a lead").code == 2


def test_what_was_never_exercised_is_named(command: Command, project: Path) -> None:
    without_tests(project)
    path = project / "mappings" / "hubspot_contact.yaml"
    example = "\ntests: [{name: x, given: {item: {id: A, name: B, contact_type: lead}}, expect: {firstname: B}}]\n"
    path.write_text(path.read_text("utf-8") + example, "utf-8")
    out = command("test").out
    assert "  never in mappings/hubspot_contact.yaml: syncflow_id (line 6), lastname (line 8)," in out
    assert "contacts/salesforce (line" in out
    assert "contacts: partner (line" in out


def test_json_is_one_document(command: Command, project: Path) -> None:
    spoil(project)
    ended = command("test", "--output", "json")
    found = json.loads(ended.out)
    assert ended.code == 1
    assert found["failed"] == 1
    wrong = next(test for test in found["tests"] if not test["passed"])
    assert wrong["name"] == "a lead"
    assert wrong["differences"][0] | {"line": 0} == {
        "path": "LastName", "expected": '"Byron"', "found": '"Lovelace"', "line": 0
    }  # fmt: skip
    assert found["coverage"]["percent"] > 0


def test_junit_is_what_ci_servers_read(command: Command, project: Path) -> None:
    spoil(project)
    ended = command("test", "--output", "junit")
    root = ElementTree.fromstring(ended.out)
    assert ended.code == 1
    assert root.get("failures") == "1"
    assert sum(int(suite.get("tests", "0")) for suite in root) == int(root.get("tests", "0"))
    failure = root.find(".//testcase[@name='a lead']/failure")
    assert failure is not None
    assert 'LastName: expected "Byron", found "Lovelace"' in str(failure.get("message"))


def test_odd_names_make_good_xml(command: Command, project: Path) -> None:
    path = project / "mappings" / "hubspot_contact.yaml"
    text = path.read_text("utf-8").replace("- name: a customer", '- name: "<&\\" \\x07 é 😀"')
    path.write_text(text.replace("firstname: Grace", 'firstname: "\\x07<]]>"'), "utf-8")
    ended = command("test", "--output", "junit")
    names = [case.get("name") for case in ElementTree.fromstring(ended.out).iter("testcase")]
    assert '<&" ? é 😀' in names


@pytest.mark.parametrize("output", ["text", "json", "junit"])
def test_a_project_that_does_not_compile_is_told_as_by_validate(command: Command, project: Path, output: str) -> None:
    path = project / "mappings" / "hubspot_contact.yaml"
    path.write_text(path.read_text("utf-8").replace("lower(item.email)", "lowr(item.email)"), "utf-8")
    ended = command("test", "--output", output)
    assert (ended.code, ended.out) == (1, "")
    assert "mappings/hubspot_contact.yaml:9:" in ended.err


def test_the_tests_of_one_file_are_chosen_by_its_path(command: Command, project: Path) -> None:
    chosen = json.loads(command("test", "--filter", "mappings/HubSpot", "-o", "json").out)["tests"]
    assert {row["file"] for row in chosen} == {"mappings/hubspot_contact.yaml"}
