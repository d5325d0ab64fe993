"""What ``status`` says of the workers that share a journal, and that the examples of several workers hold together."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest
import yaml

from syncflow.cli.status import _holds
from tests.journeys.sides import ROOT

WORKERS = ROOT / "examples" / "workers"

SAID: list[tuple[dict[str, Any], str]] = [
    ({"holds": ["reading", "system crm"], "waits": "", "silent": None}, "reading, crm"),
    ({"holds": ["system b", "system a", "reading"], "waits": "", "silent": None}, "reading, a, b"),
    ({"holds": [], "waits": "it is ending", "silent": None}, "nothing; it waits: it is ending"),
    ({"holds": ["system crm"], "waits": "", "silent": 65.0}, "crm; silent, its claims ended 65 s ago"),
]


@pytest.mark.parametrize(("worker", "words"), SAID)
def test_a_worker_is_told_with_what_it_holds(worker: dict[str, Any], words: str) -> None:
    assert _holds(worker) == words


def test_the_compose_file_starts_workers_that_are_given_time_to_end() -> None:
    services = yaml.safe_load((WORKERS / "compose.yaml").read_text("utf-8"))["services"]
    assert services["worker"]["command"][:2] == ["syncflow", "run"]
    assert services["worker"]["deploy"]["replicas"] == 2
    assert services["worker"]["stop_grace_period"] == "2m"


def test_the_unit_is_one_for_many_workers() -> None:
    unit = (WORKERS / "syncflow@.service").read_text("utf-8")
    assert "ExecStart=/srv/crm/.venv/bin/syncflow run --log-format json\n" in unit
    if shutil.which("systemd-analyze"):
        found = subprocess.run(
            ["systemd-analyze", "verify", str(WORKERS / "syncflow@.service")],
            capture_output=True,
            text=True,
            check=False,
        )
        wrong = [line for line in found.stderr.splitlines() if "syncflow@" in line and "not executable" not in line]
        assert wrong == []
