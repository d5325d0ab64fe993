"""The command line as a whole: exit codes, and words instead of tracebacks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import syncflow
from tests.cli.conftest import ROOT, Command


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["validate", "--nonsense"],
        ["validate", "--output", "xml"],
        ["run", "--limit", "none"],
        ["dry-run", "--limit", "0"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2(command: Command, arguments: list[str]) -> None:
    ended = command(*arguments)
    assert ended.code == 2
    assert "Usage: syncflow" in ended.err


def test_version(command: Command) -> None:
    assert command("--version").out == f"syncflow {syncflow.__version__}\n"


def test_the_package_can_be_run_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "syncflow", "--version"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"syncflow {syncflow.__version__}\n")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_changes_no_result(closed: str) -> None:
    words = f'exec "$0" -m syncflow adapters list {closed}'
    done = subprocess.run(
        ["/bin/sh", "-c", words, sys.executable], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


@pytest.mark.parametrize("name", ["validate", "check", "run", "status"])
def test_a_project_that_is_not_there_is_1_and_named(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = command(name)
    assert ended.code == 1
    assert "routes.yaml: SF101 there is no such file" in ended.out + ended.err
    assert "Traceback" not in ended.err


def test_functions_lists_what_expressions_may_call(command: Command) -> None:
    ended = command("functions", "--output", "json")
    assert ended.code == 0
    assert {"lower", "truncate", "first_name"} <= {function["name"] for function in json.loads(ended.out)["functions"]}


def test_functions_describes_one(command: Command) -> None:
    ended = command("functions", "truncate")
    assert ended.code == 0
    assert "truncate(" in ended.out


def test_functions_describes_one_of_jmespaths(command: Command) -> None:
    ended = command("functions", "length")
    assert ended.code == 0
    assert ended.out.startswith("length(value)\n\n  Count the characters of text,")


def test_functions_helps_with_a_slip(command: Command) -> None:
    ended = command("functions", "trunkate")
    assert (ended.code, ended.err) == (1, "error: there is no function 'trunkate'\nhint: did you mean 'truncate'?\n")


def test_adapters_lists_the_shipped_and_the_own(command: Command, project: Path) -> None:
    (project / "adapters").mkdir()
    (project / "adapters" / "mine.yaml").write_text("adapter: mine\ndescription: My own API.\n", "utf-8")
    listed = {
        adapter["name"]: adapter
        for adapter in json.loads(command("adapters", "list", "--output", "json").out)["adapters"]
    }
    assert listed["mine"] == {"name": "mine", "where": "adapters/mine.yaml", "description": "My own API."}
    assert {"salesforce", "hubspot"} <= set(listed)


def test_adapters_shows_a_file_as_it_is(command: Command) -> None:
    assert command("adapters", "show", "hubspot").out == (ROOT / "syncflow/adapters/hubspot.yaml").read_text("utf-8")


@pytest.mark.parametrize(("metrics", "told"), [("abc", "expected a port"), ("0.0.0.0:99999", "expected a port")])
def test_run_refuses_a_bad_address_for_metrics(command: Command, project: Path, metrics: str, told: str) -> None:
    ended = command("run", "--metrics", metrics)
    assert ended.code == 2
    assert told in ended.err


def test_run_refuses_a_bad_log_level(command: Command, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    ended = command("run")
    assert ended.code == 2
    assert "LOG_LEVEL is 'LOUD'; expected one of DEBUG, INFO" in ended.err.replace("\n", " ").replace("  ", " ")


def test_status_without_a_journal_says_so(command: Command, project: Path) -> None:
    ended = command("status")
    assert ended.code == 1
    assert ended.err == "error: there is no journal at .syncflow/journal.db\nhint: `syncflow run` makes one\n"
