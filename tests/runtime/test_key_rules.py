"""A journal whose keys were compared by another rule is brought to the rule of today."""

from __future__ import annotations

from pathlib import Path

from syncflow.key_rules import KeyRules
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.schema import MIGRATIONS
from syncflow.runtime.journal.tables.presence import compare_anew


def trimmed(key: str) -> str:
    return key.strip().lower()


def test_compared_keys_follow_the_rule_of_today(tmp_path: Path) -> None:
    """Two records that were two keys and are one are found as rivals; a route of another rule stays as it is."""
    db = connect(tmp_path / "j.db")
    for script in MIGRATIONS:
        db.executescript(script)
    insert = (
        "INSERT INTO presence (record, kind, route, system, object, key_name, key_value, compared, held, held_value, "
        "version_time, version_seq, state, delivery, born) VALUES (?, 'k', ?, 's', 'o', 'Ext', ?, ?, ?, ?, 0, 0, 'present', 1, 1)"
    )
    db.executemany(
        insert,
        [
            ("1", "here", "A1", "a1", "a1", "A1"),
            ("2", "here", "A1 ", "a1 ", "a1 ", "A1 "),
            ("3", "here", "B ", "b ", "", ""),
            ("4", "there", "A1 ", "A1 ", "A1 ", "A1 "),
        ],
    )
    compare_anew(db, "here", KeyRules({"Ext": trimmed}))
    compare_anew(db, "there", KeyRules({"Ext": str}))
    rows = db.execute("SELECT compared, held FROM presence ORDER BY record").fetchall()
    assert rows == [("a1", "a1"), ("a1", "a1"), ("b", ""), ("A1 ", "A1 ")]
    compare_anew(db, "here", KeyRules({"Ext": str}))
    assert db.execute("SELECT compared FROM presence WHERE record = '2'").fetchone() == ("A1 ",)
