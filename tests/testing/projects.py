"""A project with tests in it: the compiler's small one, with examples laid over it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

from syncflow.config.project import load_project
from syncflow.testing.trials import Report, run_tests
from tests.compiler.projects import FILES, write_project

Files = dict[str, str]


def of_mapping(examples: str) -> Files:
    """Return the mapping with these tests."""
    return {"person.yaml": FILES["person.yaml"] + "tests:\n" + indent(dedent(examples).strip("\n"), "  ") + "\n"}


def of_routes(examples: str) -> Files:
    """Return the routes file with these tests of the whole."""
    return {"routes.yaml": FILES["routes.yaml"] + "tests:\n" + indent(dedent(examples).strip("\n"), "  ") + "\n"}


def report(folder: Path, files: Files, *, named: str = "") -> Report:
    return run_tests(load_project(write_project(folder, files), environment={}), named=named)


def differences(folder: Path, files: Files) -> list[tuple[str, str, str]]:
    """Return what differs in all tests, each as (path, expected, found)."""
    found = report(folder, files).results
    assert found
    return [(each.path, each.expected, each.found) for result in found for each in result.differences]
