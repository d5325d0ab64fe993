"""What stands around the code for those who contribute: workflows run what the Makefile has, and name files that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
GITHUB = sorted((ROOT / ".github").rglob("*.yml"))
DECISIONS = sorted((ROOT / "docs/decisions").glob("0*.md"))


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.name)
def test_every_file_is_yaml(path: Path) -> None:
    assert isinstance(yaml.safe_load(path.read_text("utf-8")), dict)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_makes_what_can_be_made_and_ends(path: Path) -> None:
    jobs = yaml.safe_load(path.read_text("utf-8"))["jobs"]
    runs = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    made = {word for run in runs for word in re.findall(r"make ([a-z-]+)", run)}
    for job in jobs.values():
        made |= {words.split()[0] for words in job.get("strategy", {}).get("matrix", {}).get("what", [])}
    assert made <= targets()
    scripts = {word for run in runs for word in re.findall(r"bash (\S+)", run)}
    assert all((ROOT / script).exists() for script in scripts)
    assert all("timeout-minutes" in job or "environment" in job for job in jobs.values())


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.name)
def test_a_decision_is_short_and_says_what_it_costs_and_what_would_change_it(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 15
    for word in ("Decided", "Why", "Costs", "Would change our mind"):
        assert f"**{word}.**" in text
    assert f"]({path.name})" in (path.parent / "README.md").read_text("utf-8")


def test_contributors_hooks_are_commands_that_are_there() -> None:
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    entries = [hook["entry"].split()[0] for repo in repos for hook in repo["hooks"]]
    assert entries
    assert all((ROOT / entry).exists() for entry in entries)
