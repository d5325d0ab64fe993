"""``validate`` finds the faults of every profile, and names the profiles that have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncflow.compiler.every_profile import check_every_profile
from syncflow.config.render import render
from tests.compiler.projects import FILES, changed, write_project

MOCK = "  mock: {systems: {sales: {base_url: 'http://127.0.0.1:1'}}}\n"


def found(directory: Path, profiles: str, *, base: str = "", environment: dict[str, str] | None = None) -> list[str]:
    """Return the headlines of what is wrong with the small project under these profiles."""
    routes = FILES["routes.yaml"] + base + "profile: mock\nprofiles:\n" + MOCK + profiles
    path = write_project(directory, FILES | {"routes.yaml": routes})
    problems = check_every_profile(path, environment=environment or {})
    return render(problems, "concise").replace(f"{directory.as_posix()}/", "").splitlines()


def test_profiles_without_a_fault_have_no_diagnostics(tmp_path: Path) -> None:
    assert found(tmp_path, "  live: {systems: {sales: {base_url: 'https://crm.example'}}}\n") == []


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        (
            "{systems: {sales: {base_url: crm.example}}}",
            "SF514 sales: the base URL must begin with https:// (or http://) and name a host",
        ),
        ("{systems: {sales: {options: {none: 1}}}}", "SF511 sales: the adapter has no option none"),
        ("{records: {contacts: {schema: gone.yaml}}}", "SF101 there is no file gone.yaml"),
        ("{records: {contacts: {id: item.nothing}}}", "SF304"),
        ("{systems: {sales: {adapter: hubspot}}}", "SF4"),
        ("5", "SF203 the profile `live` cannot be this"),
    ],
    ids=["base-url", "option", "schema", "id", "adapter", "no-mapping"],
)
def test_a_fault_of_a_profile_that_is_not_used_is_found(tmp_path: Path, live: str, expected: str) -> None:
    lines = found(tmp_path, f"  live: {live}\n")
    assert lines, "no problem was found"
    assert any(expected in line for line in lines), lines
    if live != "5":
        assert all("(profile live)" in line for line in lines), lines


def test_a_fault_of_all_profiles_is_told_once_and_names_none(tmp_path: Path) -> None:
    lines = found(tmp_path, "  live: {}\n", base="max_skew: 1\n")
    assert len(lines) == 1
    assert "profile" not in lines[0]


def test_a_fault_of_two_profiles_of_three_names_both(tmp_path: Path) -> None:
    wrong = "{systems: {sales: {limits: {in_flight: 0}}}}"
    lines = found(tmp_path, f"  live: &live {wrong}\n  staging: *live\n")
    assert len(lines) == 1
    assert lines[0].endswith("(profiles live, staging)")


def test_a_variable_that_only_a_run_knows_is_no_fault(tmp_path: Path) -> None:
    assert found(tmp_path, '  live: {systems: {sales: {base_url: "${CRM_URL}", limits: {in_flight: "${N}"}}}}\n') == []


def test_what_a_variable_says_is_checked_in_every_profile(tmp_path: Path) -> None:
    lines = found(tmp_path, '  live: {systems: {sales: {base_url: "${CRM_URL}"}}}\n', environment={"CRM_URL": "crm"})
    assert len(lines) == 1
    assert "(profile live)" in lines[0]


def test_the_project_without_profiles_is_checked_as_it_is(tmp_path: Path) -> None:
    path = write_project(tmp_path, changed("routes.yaml", ("lead: sales", "lead: nowhere")))
    assert [problem.code for problem in check_every_profile(path, environment={})] != []
    assert all(problem.profiles == () for problem in check_every_profile(path, environment={}))


@pytest.mark.parametrize(
    ("base", "code"),
    [
        ("max_skew: 1h\nmax_skew: 1h\n", "SF114"),
        ("retry: {attempts: 3, attempts: 3}\n", "SF114"),
        ("max_skew: 1h\u200b\n", "SF116"),
    ],
    ids=["key-twice", "key-twice-within", "invisible"],
)
def test_what_reading_the_routes_file_shows_is_told_once(tmp_path: Path, base: str, code: str) -> None:
    lines = found(tmp_path, "  live: {systems: {sales: {base_url: 'https://crm.example'}}}\n", base=base)
    assert [line.split(" ")[1] for line in lines if code in line] == [code], lines
    assert "profile" not in next(line for line in lines if code in line)
