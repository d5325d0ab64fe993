"""Many short histories of records that share keys: no order of changes, answers, kills and redrives mixes two records up."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from syncflow.config.journal_place import Place
from syncflow.events import Delivery
from syncflow.runtime.desk import operator_actions
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.journal.homes import reading
from tests.runtime.vendor import Vendor, live, to_a, vendor_program

SEEDS = 120


def history(random: Random) -> list[dict[str, Any]]:
    """Up to a dozen events of three records and three keys."""
    events = []
    for number in range(random.randint(2, 12)):
        record = random.choice("ABC")
        change = random.choice(("create", "update", "update", "delete"))
        item = {
            "id": record,
            "contact_type": random.choice(("one", "one", "two", "none")),
            "key": random.choice(("k1", "k2", "K3")),
            "name": f"n{number}",
        }
        events.append(
            {"record": "contacts", "operation": change, "item": item, "timestamp": 1e9 + random.randint(0, 20)}
        )
    return events


def answers_of(random: Random, trouble: float) -> Any:
    """Return random answers; what was taken once is not refused when it comes again."""
    taken: set[int] = set()

    def answer(delivery: Delivery, attempt: int) -> str:
        del attempt
        kinds = ("busy", "lost", "fail") if delivery.id in taken else ("refuse", "refuse", "busy", "lost", "fail")
        kind = random.choice(kinds) if random.random() < trouble else "ok"
        if kind in {"lost", "ok"}:
            taken.add(delivery.id)
        return kind

    return answer


def lived(seed: int, path: Place) -> list[str]:
    """Live one history; return what went wrong."""
    random = Random(seed)
    plan = vendor_program(
        types={
            "one": [
                to_a(
                    "one",
                    on_leave=random.choice(("keep", "delete")),
                    on_key_change=random.choice(("update", "delete_old")),
                )
            ],
            "two": [to_a("two", on_leave=random.choice(("keep", "delete")))],
        },
        version=random.choice(("arrival", "timestamp")),
        unrouted="ignore",
    )
    trouble = random.choice((0.0, 0.2, 0.5))
    vendor = Vendor(answers_of(random, trouble), tells_ids=random.random() < 0.7)
    events = history(random)
    kills = [(random.randint(2, 12), random.random() < 0.5) for _ in range(random.choice((0, 0, 1, 3)))]
    for kill in [*kills, None]:
        live(
            events,
            path,
            vendor=vendor,
            program=plan,
            window=random.choice((2, 1000)),
            chunk=random.choice((1, 3, 500)),
            pause_seconds=random.choice((0.0, 0.03, 1.0)),
            kill=kill,
        )
    problems = list(vendor.violations)
    for _ in range(random.choice((0, 1, 2))):
        operator_actions.redrive(path, Letters(), how=random.choice(("as_sent", "remap")))
        vendor.answers = lambda _delivery, _attempt: "ok"
        live(events, path, vendor=vendor, program=plan)
    problems += [problem for problem in vendor.violations if problem not in problems]
    with reading(path) as journal:
        return problems + wrong_at_the_end(journal, vendor)


def wrong_at_the_end(journal: Any, vendor: Vendor) -> list[str]:
    problems = []
    still = journal.execute("SELECT count(*) FROM deliveries WHERE settled_at IS NULL").fetchone()[0]
    if still:
        problems.append(f"{still} deliveries are not settled")
    return problems + wrong_presence(journal, vendor)


def wrong_presence(journal: Any, vendor: Vendor) -> list[str]:
    """Where nothing is open, what is held is what is there, unless a delivery ended in doubt."""
    problems = []
    there = {(held.owner, held.key) for held in vendor.held.values()}
    for record, route, state, held, compared, proven, passing in journal.execute(
        "SELECT record, route, state, held, compared, proven, passing FROM presence WHERE route != ''"
    ):
        if passing is not None:
            problems.append(f"{record} at {route} still passes {passing!r}")
        places = journal.execute(
            "SELECT count(*) FROM presence WHERE record = ? AND route != ''", (record,)
        ).fetchone()[0]
        if proven and places == 1 and (record, held) not in there and not in_doubt(journal, record):
            problems.append(f"{record} at {route} is proven under {held!r}, and is not there: {sorted(there)}")
        if state == "present" and proven and held != compared and not in_doubt(journal, record):
            problems.append(f"{record} at {route} is meant to be at {compared!r} and held at {held!r}")
    return problems


def in_doubt(journal: Any, record: str) -> bool:
    sql = "SELECT count(*) FROM dead_letters l JOIN deliveries d ON d.id = l.delivery WHERE l.code IN ('LOST', 'BUSY') AND d.record = ?"
    return bool(journal.execute(sql, (record,)).fetchone()[0])


@pytest.mark.parametrize("first", range(0, SEEDS, 30))
def test_no_history_mixes_two_records_up(first: int, tmp_path: Path) -> None:
    found = {seed: lived(seed, tmp_path / f"{seed}.db") for seed in range(first, first + 30)}
    assert {seed: problems for seed, problems in found.items() if problems} == {}
