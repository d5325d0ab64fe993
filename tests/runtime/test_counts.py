"""What a journal counts as rows change is what it holds, whatever changed them."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from syncflow.events import Batch, BatchResult, Outcome, Verdict
from syncflow.runtime.desk import audit, operator_actions
from syncflow.runtime.desk.checkup import problems
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.ending import Keep
from syncflow.runtime.journal.sqlite.database import connect, migrate
from syncflow.runtime.journal.sqlite.schema import COUNTS, MIGRATIONS
from syncflow.runtime.journal.tables.database import IS_OPEN
from syncflow.testing import FakeSystems
from tests.runtime.programs import event, program, system
from tests.runtime.test_engine import run

EVENTS = [event(f"A{i % 40}", "create" if i < 40 else "update", name=f"n{i}") for i in range(90)]
UNFIT = [event("A1", contact_type="nothing")]


def third_refused(batch: Batch, number: int) -> BatchResult | None:
    refused = Outcome(Verdict.REJECTED, code="BAD", message="a rule says no")
    return BatchResult((refused,) * len(batch.deliveries)) if number % 3 == 0 else None


def busy(batch: Batch, _number: int) -> BatchResult:
    return BatchResult((Outcome(Verdict.RETRY, code="BUSY"),) * len(batch.deliveries))


def counted(path: Path) -> tuple[dict[str, int], Counter[str]]:
    found = audit.totals(path)
    deliveries: Counter[str] = Counter()
    for row in found["deliveries"]:
        deliveries[row["state"]] += row["count"]
    return found["events"], deliveries


def test_counts_follow_runs_redrives_drops_and_retention(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run(EVENTS + UNFIT, path, systems=FakeSystems(third_refused), program=program())
    assert problems(path) == []
    events, deliveries = counted(path)
    assert events == {"routed": 90, "dead": 1}
    assert sum(deliveries.values()) == 90
    assert deliveries["superseded"] > 0
    assert deliveries["dead"] > 0
    operator_actions.redrive(path, Letters(), how="remap")
    run([], path, systems=FakeSystems(), program=program())
    assert problems(path) == []
    operator_actions.forget(path, "A3")
    operator_actions.drop(path, Letters())
    assert problems(path) == []
    run([], path, systems=FakeSystems(), program=program(), keep=Keep(most_bytes=1))
    assert problems(path) == []
    events, deliveries = counted(path)
    assert (sum(events.values()), sum(deliveries.values())) == (1, 1), "the newest of each stays"


def test_counts_follow_a_system_that_was_renamed_and_a_route_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run(EVENTS, path, systems=FakeSystems(), program=program())
    made = program()
    renamed = replace(made, systems={**made.systems, "a": replace(system("a"), was=("former",))})
    with closing(connect(path)) as database, database:
        for table in ("places", "deliveries", "presence", "settled_counts"):
            database.execute(f"UPDATE {table} SET system = 'former' WHERE system = 'a'")
    run([], path, systems=FakeSystems(), program=renamed)
    assert problems(path) == []
    assert {row["system"] for row in audit.totals(path)["deliveries"]} == {"a"}


def test_counts_follow_deliveries_of_a_route_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run(EVENTS, path, systems=FakeSystems(busy), program=program(), wait_seconds=0.0)
    _, deliveries = counted(path)
    still = sum(deliveries[state] for state in ("waiting", "retrying"))
    assert still > 0
    made = program()
    without = {name: plan for name, plan in made.routes.items() if plan.system != "a"}
    run([], path, systems=FakeSystems(), program=replace(made, routes=without))
    assert problems(path) == []
    assert counted(path)[1]["dead"] == still


def test_a_journal_of_an_earlier_version_is_counted_by_its_rows_and_then_kept_counted(tmp_path: Path) -> None:
    new, old = tmp_path / "new.db", tmp_path / "j.db"
    run(EVENTS, new, systems=FakeSystems(), program=program())
    version = MIGRATIONS.index(COUNTS)
    with closing(connect(old)) as database:
        for number, migration in enumerate(MIGRATIONS[:version], 1):
            database.executescript(f"BEGIN; {migration}; PRAGMA user_version = {number}; COMMIT;")
        database.execute("ATTACH ? AS new", (str(new),))
        for table in ("events", "deliveries"):
            names = ", ".join(row[1] for row in database.execute(f"PRAGMA main.table_info({table})"))
            database.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM new.{table}")
        database.commit()
    before = counted(new)
    assert counted(old) == before
    assert problems(old) == []
    with closing(connect(old)) as database:
        migrate(database, old)
    assert counted(old) == before
    assert problems(old) == []


QUESTIONS = {
    "how much is open for each system": "SELECT system, count(*) FROM deliveries WHERE {open} GROUP BY system",
    "which routes have open deliveries": "SELECT DISTINCT route, system, kind FROM deliveries WHERE {open}",
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_questions_about_open_deliveries_are_answered_by_their_index_alone(question: str, tmp_path: Path) -> None:
    with closing(connect(tmp_path / "j.db")) as database:
        migrate(database, tmp_path / "j.db")
        plan = str(database.execute("EXPLAIN QUERY PLAN " + QUESTIONS[question].format(open=IS_OPEN)).fetchall())
    assert "COVERING INDEX deliveries_open" in plan
