"""What a batch does to a table, alike in SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import pytest

from syncflow.adapters.sql.client import DatabaseClient
from tests.adapters.sql.kit import Base, client_of, delivery, ends, one, plan_of, send, sent

CONTACTS = """CREATE TABLE contacts (
    id varchar(40) PRIMARY KEY, name varchar(20) NOT NULL, email varchar(60) UNIQUE, score integer, note text
)"""
SERIAL = {
    "sqlite": "integer PRIMARY KEY AUTOINCREMENT",
    "postgresql": "serial PRIMARY KEY",
    "mariadb": "integer PRIMARY KEY AUTO_INCREMENT",
}


@pytest.fixture
def contacts(base: Base) -> Base:
    base.run(CONTACTS)
    return base


def rows(base: Base, what: str = "id, name, email, score", table: str = "contacts") -> list[tuple[object, ...]]:
    return [tuple(row) for row in base.ask(f"SELECT {what} FROM {table} ORDER BY 1")]


def test_an_upsert_makes_a_row_and_changes_the_one_under_its_key(contacts: Base) -> None:
    first = sent(contacts.url, delivery("A1", {"name": "Ada", "score": 1}), delivery("A2", {"name": "Bea", "score": 2}))
    again = sent(
        contacts.url, delivery("A1", {"name": "Ada L", "score": 3}), delivery("A3", {"name": "Cy", "score": 4})
    )
    assert ends(first) == ends(again) == ["delivered"] * 2
    assert first.outcomes[0].vendor_id == "A1"
    assert rows(contacts) == [("A1", "Ada L", None, 3), ("A2", "Bea", None, 2), ("A3", "Cy", None, 4)]


def test_an_upsert_leaves_alone_what_it_does_not_send_and_clears_what_is_null(contacts: Base) -> None:
    with client_of(plan_of(contacts.url)) as client:
        send(client, delivery("A1", {"name": "Ada", "email": "a@x.org", "score": 1}))
        assert ends(send(client, delivery("A1", {"email": None}))) == ["delivered"]
        assert rows(contacts) == [("A1", "Ada", None, 1)]


def test_a_row_that_lacks_what_it_must_have_is_made_by_no_upsert(contacts: Base) -> None:
    with client_of(plan_of(contacts.url)) as client:
        result = send(client, delivery("A1", {"score": 1}))
        assert ends(result) == ["rejected required"]
        assert "name" in one(result.outcomes).message
        assert rows(contacts) == []


def test_one_record_never_becomes_another_by_a_second_unique_column(contacts: Base) -> None:
    """``ON DUPLICATE KEY UPDATE`` would overwrite the row that holds the e-mail address."""
    with client_of(plan_of(contacts.url)) as client:
        send(client, delivery("A1", {"name": "Ada", "email": "a@x.org"}))
        result = send(client, delivery("A2", {"name": "Bea", "email": "a@x.org"}))
        assert ends(result) == ["rejected unique"]
        assert "a@x.org" not in one(result.outcomes).message
        assert rows(contacts) == [("A1", "Ada", "a@x.org", None)]


def test_create_makes_rows_only_and_knows_its_own_again(contacts: Base) -> None:
    with client_of(plan_of(contacts.url)) as client:
        given = {"name": "Ada", "email": None, "score": 1}
        assert ends(send(client, delivery("A1", given, action="create"))) == ["delivered"]
        assert ends(send(client, delivery("A1", given, action="create"))) == ["already_done"]
        other = {"name": "Another", "email": None, "score": 1}
        assert ends(send(client, delivery("A1", other, action="create"))) == ["rejected exists"]
        assert rows(contacts) == [("A1", "Ada", None, 1)]


def test_update_changes_rows_only(contacts: Base) -> None:
    with client_of(plan_of(contacts.url)) as client:
        send(client, delivery("A1", {"name": "Ada", "score": 1}))
        changed = delivery("A1", {"score": 5}, action="update"), delivery("A9", {"score": 9}, action="update")
        assert ends(send(client, *changed)) == ["delivered", "rejected not_found"]
        assert rows(contacts) == [("A1", "Ada", None, 5)]


def test_a_record_whose_key_changes_keeps_its_row(contacts: Base) -> None:
    with client_of(plan_of(contacts.url)) as client:
        send(client, delivery("A1", {"name": "Ada", "score": 1}))
        moved = delivery("B1", {"name": "Ada"}, action="update", vendor_id="A1")
        assert one(send(client, moved).outcomes).vendor_id == "B1"
        assert ends(send(client, moved)) == ["delivered"]  # an attempt whose answer was lost
        assert rows(contacts) == [("B1", "Ada", None, 1)]


def test_delete_removes_rows_and_what_is_gone_is_done(contacts: Base) -> None:
    with client_of(plan_of(contacts.url)) as client:
        send(client, delivery("A1", {"name": "Ada"}), delivery("A2", {"name": "Bea"}))
        gone = delivery("A1", action="delete"), delivery("A7", action="delete")
        assert ends(send(client, *gone)) == ["delivered", "already_done"]
        assert rows(contacts) == [("A2", "Bea", None, None)]


def halved(client: DatabaseClient, *deliveries: object) -> list[str]:
    """Send a batch, and its halves where it asks for it, as a run does."""
    result = send(client, *deliveries)  # type: ignore[arg-type]
    if result.signal is None or result.signal.kind != "split" or len(deliveries) == 1:
        return ends(result)
    middle = len(deliveries) // 2
    return [*halved(client, *deliveries[:middle]), *halved(client, *deliveries[middle:])]


def test_a_bad_row_costs_itself(contacts: Base) -> None:
    contacts.run("INSERT INTO contacts (id, name, email) VALUES ('X', 'X', 'x@x.org')")
    given = [delivery(f"A{n}", {"name": f"N{n}", "email": f"{n}@x.org", "score": n}) for n in range(10)]
    given[3] = delivery("A3", {"name": "a name that is too long for its column", "email": None, "score": 3})
    given[5] = delivery("A5", {"name": "N5", "email": "x@x.org", "score": 5})
    given[7] = delivery("A7", {"name": "N7", "email": "7@x.org", "score": "seven"})
    with client_of(plan_of(contacts.url)) as client:
        told = halved(client, *given)
    assert [told[3], told[5], told[7]] == ["rejected length", "rejected unique", "rejected format"]
    assert told.count("delivered") == 7
    assert len(rows(contacts)) == 8


def test_a_number_that_counts_up_is_the_tables_own(base: Base) -> None:
    base.run(
        f"CREATE TABLE contacts (number {SERIAL[base.kind]}, ref varchar(20) NOT NULL UNIQUE, name varchar(20) NOT NULL)"
    )
    with client_of(plan_of(base.url)) as client:
        for name in ("Ada", "Ada L"):
            assert ends(send(client, delivery("A1", {"name": name}, key_name="ref"))) == ["delivered"]
    assert rows(base, "ref, name") == [("A1", "Ada L")]


def test_names_that_need_quotes_are_names(base: Base) -> None:
    quote = "`" if base.kind == "mariadb" else '"'
    table, key, column = (f"{quote}{name}{quote}" for name in ("Order", "the id", "select %s:x"))
    base.run(f"CREATE TABLE {table} ({key} varchar(20) PRIMARY KEY, {column} varchar(20))")
    with client_of(plan_of(base.url)) as client:
        for value in ("a", 'it\'s "b" %s :x'):
            given = delivery("1", {"select %s:x": value}, key_name="the id", table="Order")
            assert (
                ends(send(client, given, delivery("2", {"select %s:x": value}, key_name="the id", table="Order")))
                == ["delivered"] * 2
            )
    assert base.ask(f"SELECT {column} FROM {table}")[0] == ('it\'s "b" %s :x',)


def test_a_key_without_a_unique_index_is_refused_with_what_to_do(base: Base) -> None:
    base.run("CREATE TABLE contacts (id varchar(20), name varchar(20))")
    result = sent(base.url, delivery("A1", {"name": "Ada"}))
    assert result.signal is not None
    assert result.signal.kind == "stop"
    index = "CREATE UNIQUE INDEX contacts_id_key ON contacts (id);"
    assert result.signal.reason == (
        "no unique index is over id of the table contacts: two records could become one row, or one record two; "
        f"make one: {index}"
    )
    base.run(index)
    assert ends(sent(base.url, delivery("A1", {"name": "Ada"}))) == ["delivered"]


def test_a_missing_table_and_a_missing_column_stop_the_system(contacts: Base) -> None:
    with client_of(plan_of(contacts.url)) as client:
        for given, words in (
            (
                delivery("A1", {"name": "A"}, table="contcts"),
                "the database has no table contcts in the schemas where it looks by itself",
            ),
            (delivery("A1", {"nme": "A"}), "the table contacts has no column nme"),
        ):
            result = send(client, given)
            assert result.signal is not None
            assert result.signal.kind == "stop"
            assert result.signal.reason.startswith(words)
        contacts.run("ALTER TABLE contacts ADD COLUMN nme varchar(9)")
        assert ends(send(client, delivery("A1", {"name": "A", "nme": "B"}))) == ["delivered"]
