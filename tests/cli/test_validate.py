"""validate: good is 0, wrong is 1, and the places are named in every style."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command


def test_the_default_project_is_good_without_any_secret(command: Command, project: Path) -> None:
    for profile in ("mock", "live"):
        ended = command("validate", "--strict", "--profile", profile)
        assert (ended.code, ended.out) == (0, "routes.yaml: no problems\n")


def test_a_fault_in_a_profile_that_is_not_used_is_found_and_named(command: Command, project: Path) -> None:
    path = project / "routes.yaml"
    path.write_text(path.read_text("utf-8").replace('base_url: "${SALESFORCE_URL}"', "base_url: example.com"), "utf-8")
    ended = command("validate")
    assert ended.code == 1
    assert "the base URL must begin with https:// (or http://) and name a host (profile live)\n" in ended.out
    assert command("validate", "--profile", "mock").code == 0
    assert json.loads(command("validate", "-o", "json").out)["diagnostics"][0]["profiles"] == ["live"]


def slip(project: Path) -> None:
    path = project / "mappings" / "hubspot_contact.yaml"
    path.write_text(path.read_text("utf-8").replace("lower(item.email)", "lowr(item.email)"), "utf-8")


def test_a_slip_is_named_with_its_place(command: Command, project: Path) -> None:
    slip(project)
    ended = command("validate")
    assert ended.code == 1
    assert "mappings/hubspot_contact.yaml:9:" in ended.out
    assert "email: lowr(item.email)" in ended.out
    assert "lower" in ended.out
    assert ended.out.endswith("\nroutes.yaml: 1 error\n")


@pytest.mark.parametrize("style", ["json", "sarif"])
def test_a_style_for_machines_is_one_document(command: Command, project: Path, style: str) -> None:
    good = command("validate", "--output", style)
    assert good.code == 0
    assert isinstance(json.loads(good.out), dict)
    slip(project)
    wrong = command("validate", "--output", style)
    assert wrong.code == 1
    json.loads(wrong.out)


def test_the_style_for_github_puts_problems_beside_lines(command: Command, project: Path) -> None:
    slip(project)
    ended = command("validate", "--output", "github", "routes.yaml")
    assert ended.code == 1
    assert ended.out.startswith("::error file=mappings/hubspot_contact.yaml,line=9,")


def test_explain_prints_the_page_of_a_code(command: Command) -> None:
    ended = command("validate", "--explain", "sf101")
    assert ended.code == 0
    assert ended.out.startswith("SF101 ")


def test_explain_refuses_an_unknown_code(command: Command) -> None:
    ended = command("validate", "--explain", "SF999")
    assert ended.code == 1
    assert ended.err.startswith("error: there is no code SF999\n")
