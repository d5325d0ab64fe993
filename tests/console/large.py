"""A journal of any size, generated, and what each question of the console costs on it: ``python -m tests.console.large 5000000``."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from syncflow.runtime.desk import audit, browse
from syncflow.runtime.desk.browse import Deliveries
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.journal.sqlite.database import connect, migrate
from syncflow.runtime.journal.tables.counts import RECOUNT

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
_FILLED = "hex(zeroblob(100))"
_EVENTS = (
    'INSERT INTO events (seq, partition, "offset", line, raw, kind, record, change, state, read_at) '
    "SELECT i, 'events.jsonl', i * 500, i, "
    f'CAST(\'{{"item": {{"id": "R\' || i || \'", "name": "\' || {_FILLED} || \'"}}}}\' AS BLOB), '
    "'contacts', 'R' || (i / 2), 'update', 'routed', 1e9 + i FROM n"
)
_STATE = (
    "CASE WHEN i % 97 = 0 THEN 'dead' WHEN i % 1000 = 1 AND i > ?2 THEN 'waiting' "
    "WHEN i % 50 = 3 THEN 'superseded' ELSE 'delivered' END"
)
_DELIVERIES = (
    "INSERT INTO deliveries (id, event, route, system, object, operation, kind, record, key_name, key_value, payload, "
    "version_time, version_seq, whole, read_at, fingerprint, state, attempts, batch_id, settled_at, code, status) "
    "SELECT i, i, 'route' || (i % 4), 'system' || (i % 2), 'Contact', 'upsert', 'contacts', 'R' || (i / 2), 'Ext', "
    f"'R' || i, CAST('{{\"name\": \"' || {_FILLED} || '\"}}' AS BLOB), i, i, 1, 1e9 + i, 'f', "
    f"{_STATE}, 1, 'b-' || (i / 200), 1e9 + i, NULL, 200 FROM n"
)
_LETTERS = (
    "INSERT INTO dead_letters (event, delivery, stage, route, system, code, reason, status, attempts, body, rule, at) "
    "SELECT event, id, 'delivery', route, system, 'CODE' || (id % 7), 'refused', 400, 1, hex(zeroblob(100)), 'adapter.yaml:1', read_at "
    "FROM deliveries WHERE state = 'dead'"
)


def generate(path: Path, count: int) -> None:
    """Write a journal of ``count`` events, each with one delivery; about one in a hundred is dead, a few are open."""
    with connect(path, sync="normal") as journal:
        migrate(journal, path)
        journal.execute("PRAGMA synchronous = OFF")
        for statement in (f"{_NUMBERS} {_EVENTS}", f"{_NUMBERS.replace('?', '?1')} {_DELIVERIES}"):
            values = (count, count // 2) if "?2" in statement else (count,)
            journal.execute(_rooted(statement), values)
        journal.execute(_LETTERS)
        for part in RECOUNT.split(";"):
            journal.execute(part)
        journal.execute("INSERT INTO runs (started_at, ended_at, finished, fingerprint) VALUES (1e9, 2e9, 1, 'f')")


def _rooted(statement: str) -> str:
    """Put the numbers behind the head of an insert, where SQLite takes them."""
    numbers, _, insert = statement.partition(" INSERT ")
    head, _, select = insert.partition(" SELECT ")
    return f"INSERT {head} {numbers} SELECT {select}"


def questions(path: Path, count: int) -> Mapping[str, Callable[[], object]]:
    """Return what pages ask, the dearest forms of it."""
    middle = count // 2
    return {
        "totals": lambda: audit.totals(path),
        "newest deliveries": lambda: browse.deliveries(path, Deliveries()),
        "deliveries in the middle": lambda: browse.deliveries(path, Deliveries(), before=middle),
        "waiting deliveries": lambda: browse.deliveries(path, Deliveries("waiting")),
        "retrying deliveries": lambda: browse.deliveries(path, Deliveries("retrying")),
        "dead deliveries of a route": lambda: browse.deliveries(path, Deliveries("dead", route="route1")),
        "a state that there is not": lambda: browse.deliveries(path, Deliveries("unchanged")),
        "one delivery": lambda: browse.delivery(path, middle),
        "a batch": lambda: browse.batch(path, f"b-{middle // 200}", near=middle),
        "newest events": lambda: browse.events(path),
        "ignored events": lambda: browse.events(path, state="ignored"),
        "causes": lambda: browse.causes(path, Letters()),
        "dead letters": lambda: browse.letters(path, Letters()),
        "dead letters of a code": lambda: browse.letters(path, Letters(code="CODE3"), before=middle),
        "dead letters that there are not": lambda: browse.letters(path, Letters(code="none")),
        "a record": lambda: browse.trail(path, f"R{middle // 2}"),
    }


def main() -> None:
    count = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(folder) / "j.db"
        if not path.exists():
            generate(path, count)
        for name, question in questions(path, count).items():
            began = time.process_time()
            question()
            sys.stdout.write(f"{name:32}{time.process_time() - began:8.3f} s of processor time\n")


if __name__ == "__main__":
    main()
