"""What others copy into their CI: the hook's entry and every line of the workflow that is ours do work."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import ROOT, Command

HOOK: dict[str, Any] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))[0]
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / "examples/ci/github-actions.yml").read_text("utf-8"))
STEPS: list[dict[str, Any]] = WORKFLOW["jobs"]["validate"]["steps"]
LINES = [line for step in STEPS if "run" in step for line in step["run"].strip().splitlines()]


def test_the_hook_is_for_every_yaml_file_and_is_given_none() -> None:
    assert HOOK["id"] == "syncflow-validate"
    assert HOOK["language"] == "python"
    assert HOOK["pass_filenames"] is False
    assert HOOK["files"] == r"^.*\.ya?ml$"


def test_the_hooks_entry_accepts_the_default_project(command: Command, project: Path) -> None:
    name, *arguments = shlex.split(HOOK["entry"])
    assert name == "syncflow"
    assert command(*arguments).code == 0


def test_the_hooks_entry_refuses_a_broken_project(command: Command, project: Path) -> None:
    (project / "schemas" / "contact.yaml").unlink()
    assert command(*shlex.split(HOOK["entry"])[1:]).code == 1


def test_the_workflow_uses_pinned_actions_and_no_secrets() -> None:
    assert all("@v" in step["uses"] for step in STEPS if "uses" in step)
    assert "secrets." not in (ROOT / "examples/ci/github-actions.yml").read_text("utf-8")
    assert WORKFLOW["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("syncflow ")])
def test_a_line_of_the_workflow_runs(command: Command, project: Path, line: str) -> None:
    assert command(*shlex.split(line)[1:]).code == 0


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("python -m pip ")])
def test_a_line_that_installs_is_understood_by_pip(line: str) -> None:
    arguments = shlex.split(line)[3:]
    for name in (argument for argument in arguments if argument.endswith(".lock")):
        assert (ROOT / name).exists()
    check = [sys.executable, "-m", "pip", *arguments, "--dry-run", "--no-index", "--quiet"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "no such option" not in done.stderr


def test_every_line_of_the_workflow_is_covered_here() -> None:
    assert not [line for line in LINES if not line.startswith(("syncflow ", "python -m pip "))]
