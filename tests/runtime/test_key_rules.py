"""A journal whose keys were compared by another rule is brought to the rule of today."""

from __future__ import annotations

from pathlib import Path

from syncflow.events import Key
from syncflow.key_rules import KeyRules, named
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.schema import MIGRATIONS
from syncflow.runtime.journal.tables.presence import FIELD_OF_HELD, compare_anew


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


def test_keys_of_several_fields_are_compared_by_name_and_value_and_tell_their_field(tmp_path: Path) -> None:
    rules = KeyRules({"id": str, "mail": trimmed})
    assert rules.compared(Key("id", "5")) != rules.compared(Key("mail", "5"))
    assert rules.compared(Key("mail", " A@x.org")) == rules.compared(Key("mail", "a@x.org "))
    assert named(rules.compared(Key("mail", "A@x.org")), "A@x.org", "id") == Key("mail", "A@x.org")
    assert named("a@x.org", "A@x.org", "id") == Key("id", "A@x.org"), "a journal of a route that had one key"
    db = connect(tmp_path / "j.db")
    for compared, field in ((rules.compared(Key("mail", "a@x.org")), "mail"), ("a@x.org", "")):
        found = db.execute(f"SELECT {FIELD_OF_HELD} FROM (SELECT ? AS held)", (compared,)).fetchone()
        assert found == (field,), compared
