"""What a run is called: short, sortable, unique; and where that is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from syncflow.errors import ProjectError
from syncflow.runtime.desk import audit
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.metric_families import RunCollector
from syncflow.runtime.observe import Tally
from syncflow.runtime.run_name import RunName, new_run_name
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from tests.runtime.programs import event, program


def test_ids_of_later_runs_sort_behind_and_no_two_are_alike() -> None:
    names = [new_run_name({}, now=now).run for now in (0.0, 1.5, 1_700_000_000.0, 1_700_000_000.001, 9e9)]
    assert names == sorted(names)
    assert all(re.fullmatch(r"[0-9a-hjkmnp-tv-z]{13}", name) for name in names)
    assert len({new_run_name({}, now=5.0).run for _ in range(50)}) > 40


def test_a_worker_is_named_or_machine_and_process() -> None:
    assert new_run_name({"SYNCFLOW_WORKER": "crm-1"}, now=0.0).worker == "crm-1"
    assert re.fullmatch(r"[A-Za-z0-9._-]+-\d+", new_run_name({}, now=0.0).worker)
    for bad in ("a b", "-x", "x" * 64, 'a"b', "a\nb"):
        with pytest.raises(ProjectError, match="cannot name a worker"):
            new_run_name({"SYNCFLOW_WORKER": bad}, now=0.0)


def test_the_journal_and_the_metrics_know_it(tmp_path: Path) -> None:
    path, name = tmp_path / "j.db", RunName("01hfabcdefghj", "crm-1")
    engine = Engine(
        program(),
        source=ListSource([event("A1")]),
        journal=SqliteJournal(path, inline=True),
        systems=FakeSystems(),
        clock=VirtualClock(),
        name=name,
    )
    run_virtually(engine.run())
    last = audit.totals(path)["last_run"]
    assert RunName(last["run"], last["worker"]) == name
    registry = CollectorRegistry()
    registry.register(RunCollector(Tally, name=name))
    assert b'syncflow_run_info{run="01hfabcdefghj",worker="crm-1"} 1.0' in generate_latest(registry)
