"""A database that fails: what passes is tried again, what does not pass stops the system, and nothing is written by halves."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

from syncflow.adapters.gate import OpenGate
from syncflow.adapters.sql.client import DatabaseClient
from syncflow.events import Verdict
from tests.adapters.sql.kit import Base, batch_of, client_of, delivery, ends, one, plan_of, send, sent
from tests.servers.proxy import Proxy

TABLE = "CREATE TABLE contacts (id varchar(40) PRIMARY KEY, name varchar(20) NOT NULL)"


@pytest.fixture
def contacts(base: Base) -> Base:
    base.run(TABLE)
    return base


@pytest.fixture
def there(served: Base) -> Base:
    """A database with a server."""
    served.run(TABLE)
    return served


def stopped(base: Base, url: str, **settings: object) -> str:
    result = sent(url, delivery("A1", {"name": "Ada"}), **settings)
    assert result.signal is not None, ends(result)
    assert result.signal.kind == "stop"
    assert one(result.outcomes).verdict is Verdict.RETRY
    return result.signal.reason


def test_a_wrong_password_and_a_missing_database_stop_it(there: Base) -> None:
    if there.kind == "mariadb":
        assert stopped(there, there.url.replace("secret-word", "another")) == (
            "the database refuses the user or the password; check user and password in `sql.url`"
        )
    missing = there.url.rpartition("/")[0] + "/nowhere"
    assert stopped(there, missing) == "there is no such database on the server; check the name at the end of `sql.url`"


def test_a_missing_right_stops_it_and_check_says_so_without_writing(there: Base) -> None:
    if there.kind == "postgresql":
        there.run("CREATE ROLE looker LOGIN PASSWORD 'p'", "GRANT SELECT ON contacts TO looker")
        url = there.url.replace("postgres:secret-word", "looker:p")
    else:
        there.run(
            "CREATE OR REPLACE USER looker@'127.0.0.1' IDENTIFIED BY 'p'",
            "GRANT SELECT ON contacts TO looker@'127.0.0.1'",
        )
        url = there.url.replace("reader:secret-word", "looker:p")
    try:
        assert stopped(there, url).startswith("the user lacks a right")
    finally:
        there.run(
            *(
                ["DROP OWNED BY looker", "DROP ROLE looker"]
                if there.kind == "postgresql"
                else ["DROP USER looker@'127.0.0.1'"]
            )
        )


def test_a_row_that_others_hold_is_tried_again_after_the_timeout(contacts: Base) -> None:
    with client_of(plan_of(contacts.url, timeout="1s")) as client:
        send(client, delivery("A1", {"name": "Ada"}))
        contacts.run("BEGIN", "UPDATE contacts SET name = 'held' WHERE id = 'A1'")
        assert ends(send(client, delivery("A1", {"name": "Bea"})))[0] in {"retry busy", "retry timeout"}
        contacts.run("COMMIT")
        assert ends(send(client, delivery("A1", {"name": "Bea"}))) == ["delivered"]
    assert [tuple(row) for row in contacts.ask("SELECT * FROM contacts")] == [("A1", "Bea")]


def test_a_database_that_takes_no_changes_is_tried_again(there: Base) -> None:
    if there.kind == "postgresql":
        read_only, again = "ALTER DATABASE {} SET default_transaction_read_only = on", "ALTER DATABASE {} RESET ALL"
        name = there.url.rpartition("/")[2]
        there.run(read_only.format(name))
        url = there.url
    else:
        there.run(
            "SET GLOBAL read_only = 1",
            "CREATE OR REPLACE USER plain@'127.0.0.1' IDENTIFIED BY 'p'",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON contacts TO plain@'127.0.0.1'",
        )
        url, again, name = there.url.replace("reader:secret-word", "plain:p"), "SET GLOBAL read_only = 0", ""
    try:
        assert ends(sent(url, delivery("A1", {"name": "Ada"}))) == ["retry read_only"]
    finally:
        there.run("SET default_transaction_read_only = off" if name else "SELECT 1", again.format(name))
    assert ends(sent(url, delivery("A1", {"name": "Ada"}))) == ["delivered"]


def test_nobody_at_the_address_is_tried_again(there: Base) -> None:
    from tests.ports import free_port

    host, _, rest = there.url.rpartition(":")
    url = f"{host}:{free_port()}/{rest.partition('/')[2]}"
    result = sent(url, delivery("A1", {"name": "Ada"}))
    assert ends(result) == ["retry unreachable"]
    assert result.signal is None
    assert "secret-word" not in one(result.outcomes).message


def test_connections_cut_again_and_again_leave_what_was_sent_row_by_row(there: Base) -> None:
    asyncio.run(_through_a_proxy(there))
    assert [tuple(row) for row in there.ask("SELECT id, name FROM contacts ORDER BY id")] == [
        (f"A{number:03}", f"round 4 of {number}") for number in range(200)
    ]


async def _through_a_proxy(base: Base) -> None:
    """Send the same records five times while connections are cut, each batch again until it is delivered."""
    host, _, rest = base.url.rpartition(":")
    port, _, name = rest.partition("/")
    proxy = Proxy(int(port))
    own = await proxy.start()
    client = DatabaseClient(plan_of(f"{host}:{own}/{name}"), gate=OpenGate())
    cuts = 0
    try:
        for turn in range(5):
            given = batch_of(*(delivery(f"A{n:03}", {"name": f"round {turn} of {n}"}) for n in range(200)))
            sending = asyncio.create_task(client.send(given))
            while True:
                await asyncio.sleep(0.002 * (turn + 1))
                if not sending.done():
                    proxy.cut()
                    cuts += 1
                result = await sending
                assert result.signal is None
                if all(outcome.verdict is Verdict.DELIVERED for outcome in result.outcomes):
                    break
                assert {outcome.verdict for outcome in result.outcomes} == {Verdict.RETRY}
                sending = asyncio.create_task(client.send(given))
                await sending
    finally:
        await client.close()
        await proxy.close()


def _deadlock(base: Base) -> type[Exception]:
    if base.kind == "postgresql":
        from psycopg.errors import DeadlockDetected

        return DeadlockDetected
    from pymysql.err import OperationalError

    found: type[Exception] = OperationalError
    return found


def test_two_transactions_that_stand_in_each_others_way_both_end(there: Base) -> None:
    """A deadlock costs one of them an attempt, and no row."""
    there.run("INSERT INTO contacts VALUES ('A1', 'x'), ('A2', 'x')")
    other = there.connect()  # type: ignore[attr-defined]
    with client_of(plan_of(there.url, timeout="20s")) as client:
        cursor = other.cursor()
        cursor.execute("BEGIN")
        cursor.execute("UPDATE contacts SET name = 'other' WHERE id = 'A2'")
        found: list[str] = []
        sending = threading.Thread(
            target=lambda: found.extend(
                ends(send(client, delivery("A1", {"name": "a"}), delivery("A2", {"name": "a"})))
            )
        )
        sending.start()
        with contextlib.suppress(_deadlock(there)):  # one of the two gives up
            cursor.execute("UPDATE contacts SET name = 'other' WHERE id = 'A1'")
            cursor.execute("COMMIT")
        cursor.execute("ROLLBACK")
        sending.join()
        assert set(found) in ({"delivered"}, {"retry deadlock"})
    other.close()
