"""Unreadable values are counted by route and field, for a run and in the journal; no value is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from syncflow.events import Accepted, Routed
from syncflow.runtime.desk import audit
from syncflow.testing import FakeSystems
from tests.runtime.programs import event, program
from tests.runtime.test_engine import run


def test_the_journal_adds_up_the_counts_of_all_runs(tmp_path: Path) -> None:
    plain = program(types={"lead": "a"})

    def route(accepted: Accepted) -> Routed:
        routed = plain.route(accepted)
        return replace(routed, matches=tuple(replace(match, unreadable=("phone",)) for match in routed.matches))

    path = tmp_path / "j.db"
    unread = replace(plain, route=route)
    ending, _ = run([event("A"), event("B")], path, systems=FakeSystems(), program=unread)
    (name,) = ending.tally.routes
    assert ending.tally.routes[name].unreadable == {"phone": 2}
    run([event("A"), event("B"), event("C")], path, systems=FakeSystems(), program=unread)
    assert audit.totals(path)["unreadable"] == [{"route": name, "field": "phone", "count": 3}]
