"""Every name that the code logs is described, and no other; each line of JSON names its run and worker."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from syncflow.cli.reference.log_events import LOG_EVENTS
from syncflow.mock.server import Running
from syncflow.runtime.bulkheads import CODE
from syncflow.sources.base import ReportKind
from tests.cli.conftest import Command

PACKAGE = Path(__file__).resolve().parents[2] / "syncflow"
CALLS = {"note", "warn", "info", "warning", "log_always", "say"}
NAME = re.compile(r"[a-z_]+\.[a-z_]+|remark|bug")


def _logged() -> Iterator[str]:
    """Yield the names that stand in calls which log."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if called in CALLS and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield from [first.value] if NAME.fullmatch(first.value) else []


def test_every_name_is_described_and_no_other() -> None:
    said_otherwise = {CODE, "library.warned", *(f"source.{kind}" for kind in get_args(ReportKind))}
    assert set(_logged()) | said_otherwise == set(LOG_EVENTS)


def test_each_line_of_json_names_its_run_and_worker(
    command: Command, from_file: Path, mock: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCFLOW_WORKER", "crm-1")
    lines = [json.loads(line) for line in command("run", "--log-format", "json", "--metrics", "0").err.splitlines()]
    assert {line["event"] for line in lines} <= set(LOG_EVENTS)
    assert {(line["run"], line["worker"]) for line in lines} == {(lines[0]["run"], "crm-1")}
    last = json.loads(command("status", "--output", "json").out)["last_run"]
    assert (last["run"], last["worker"]) == (lines[0]["run"], "crm-1")
    assert f"its name: {last['run']} (worker crm-1)" in command("status").out.splitlines()


def test_a_worker_s_name_that_cannot_be_one_is_refused(
    command: Command, from_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCFLOW_WORKER", "a b")
    ended = command("run")
    assert ended.code == 2
    assert "SYNCFLOW_WORKER is 'a b', which cannot name a worker; up to 63 letters" in ended.err
