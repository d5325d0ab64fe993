"""A project whose system is a database: validated, pulled, checked, rehearsed and run by the commands of a person."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Command, command

__all__ = ["command"]

ROUTES = """
source: {file: {path: events.jsonl}}
records: {contacts: {schema: schemas/contact.yaml}}
systems: {warehouse: {sql: {url: "sqlite:///crm.db"}}}
routes: [{to: warehouse, mapping: mappings/contact.yaml}]
"""
SCHEMA = """
type: object
required: [id, name]
properties:
  id: {type: string, minLength: 1, maxLength: 40}
  name: {type: string, maxLength: 100}
  email: {type: [string, "null"], format: email, maxLength: 80}
  score: {type: [integer, "null"], minimum: 0, maximum: 1000}
"""
MAPPING = """
source: contacts
target: warehouse/contacts
key: id
fields: {id: item.id, name: item.name, email: lower(item.email), score: item.score}
"""
TABLE = (
    "CREATE TABLE contacts (id varchar(40) PRIMARY KEY, name varchar(100) NOT NULL, email varchar(80), score integer)"
)


def event(change: str, item: dict[str, object]) -> str:
    return json.dumps({"record": "contacts", "operation": change, "timestamp": "2026-01-01T00:00:00Z", "item": item})


EVENTS = (
    event("create", {"id": "A1", "name": "Ada", "email": "ADA@x.org", "score": 3}),
    event("create", {"id": "A2", "name": "Bea", "email": None, "score": 4}),
    event("update", {"id": "A1", "name": "Ada L", "email": "ADA@x.org", "score": 5}),
    event("delete", {"id": "A2"}),
)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """A project beside an empty table."""
    for name, text in {
        "routes.yaml": ROUTES,
        "schemas/contact.yaml": SCHEMA,
        "mappings/contact.yaml": MAPPING,
        "events.jsonl": "\n".join(EVENTS) + "\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    connection = sqlite3.connect(tmp_path / "crm.db", isolation_level=None)
    connection.execute(TABLE)
    yield connection
    connection.close()


def rows(table: sqlite3.Connection) -> list[tuple[object, ...]]:
    return table.execute("SELECT * FROM contacts ORDER BY id").fetchall()


def test_from_an_undescribed_table_to_rows_by_yaml_alone(table: sqlite3.Connection, command: Command) -> None:
    unknown = command("validate")
    assert "no file describes the table `contacts` of warehouse" in unknown.out
    assert "or let `syncflow schema pull warehouse contacts` do it" in unknown.out
    assert command("schema", "pull", "warehouse", "contacts").out == (
        "wrote objects/warehouse_contacts.lock.yaml: 4 fields\n"
    )
    assert command("validate", "--strict").out == "routes.yaml: no problems\n"
    assert command("validate", "--online").out == "routes.yaml: no problems\n"
    assert command("check").out == "warehouse: good: connected; rows can be written to contacts\n"
    rehearsed = command("dry-run", "--events", "events.jsonl")
    assert "UPSERT sqlite:///crm.db contacts" in rehearsed.out
    assert "INSERT INTO contacts (id, name, email, score) VALUES (:id, :name, :email, :score)" in rehearsed.out
    assert "DELETE FROM contacts WHERE contacts.id = :id" in rehearsed.out
    assert rows(table) == []
    assert command("run", "--quiet").code == 0
    assert rows(table) == [("A1", "Ada L", "ada@x.org", 5)]


def test_what_does_not_fit_the_table_is_said_before_anything_is_sent(
    table: sqlite3.Connection, command: Command, tmp_path: Path
) -> None:
    command("schema", "pull", "warehouse", "contacts")
    schema = tmp_path / "schemas/contact.yaml"
    schema.write_text(SCHEMA.replace("name: {type: string, maxLength: 100}", "name: {type: string}"), "utf-8")
    strict = command("validate", "--strict")
    assert "SF342 warning: this may be longer than `name` takes" in strict.out
    table.execute("ALTER TABLE contacts DROP COLUMN score")
    assert "SF620 warehouse has no field score in contacts" in command("validate", "--online").out
    refused = command("check")
    assert refused.code == 1
    assert refused.out.startswith("warehouse: refused: the table contacts has no column score; it has id, name, email")


def test_a_wrong_table_stops_the_run_and_buries_nothing(table: sqlite3.Connection, command: Command) -> None:
    command("schema", "pull", "warehouse", "contacts")
    table.execute("DROP TABLE contacts")
    ended = command("run", "--quiet", "--wait", "1")
    assert ended.code == 1
    assert "the database has no table contacts" in ended.out + ended.err
    assert "0 dead letters" in ended.out
    table.execute(TABLE)
    assert command("run", "--quiet").code == 0
    assert rows(table) == [("A1", "Ada L", "ada@x.org", 5)]


def test_a_file_that_is_not_there_is_named_and_not_made(
    table: sqlite3.Connection, command: Command, tmp_path: Path
) -> None:
    command("schema", "pull", "warehouse", "contacts")
    (tmp_path / "routes.yaml").write_text(ROUTES.replace("crm.db", "other.db"), "utf-8")
    refused = command("check")
    assert refused.out.startswith("warehouse: refused: there is no database file ")
    assert "paths in `systems.warehouse.sql.url` are relative to the routes file" in refused.out
    assert not (tmp_path / "other.db").exists()
    pulled = command("schema", "pull", "warehouse", "people")
    assert pulled.code == 1
    assert "Traceback" not in pulled.err


@pytest.mark.parametrize(
    ("system", "said"),
    [
        ("{sql: {url: 'oracle://u:hidden@h/d'}}", "SF205 rows of `oracle` cannot be written"),
        ("{sql: {url: 'mysq://u:hidden@h/d'}}", "did you mean `mysql`?"),
        ("{sql: {url: 'crm.db'}}", "SF205 this is no address of a database"),
        ("{sql: {url: 'sqlite://'}}", "a database in memory is gone after the run"),
        (
            "{sql: {url: 'sqlite:///crm.db'}, adapter: crm}",
            "`warehouse` has `adapter` and `sql`, which exclude each other",
        ),
        ("{sql: {url: 'sqlite:///crm.db'}, base_url: 'https://x.org'}", "`base_url` has no meaning for a database"),
        ("{sql: {url: 'sqlite:///crm.db', timezone: Europe/Berln}}", "there is no time zone `Europe/Berln`"),
        ("{sql: {url: 'sqlite:///crm.db', shema: crm}}", "did you mean `schema`?"),
        ("{sql: {}}", "`systems.warehouse.sql` has no `url`"),
    ],
)
def test_slips_in_the_settings_are_named(
    table: sqlite3.Connection, command: Command, tmp_path: Path, system: str, said: str
) -> None:
    command("schema", "pull", "warehouse", "contacts")
    (tmp_path / "routes.yaml").write_text(ROUTES.replace('{sql: {url: "sqlite:///crm.db"}}', system), "utf-8")
    found = command("validate")
    assert found.code == 1
    assert said in found.out
    assert "hidden" not in found.out.replace("u:hidden@h", "", 1)  # the line of the file alone shows it


def test_a_database_is_no_adapter_of_another_system(
    table: sqlite3.Connection, command: Command, tmp_path: Path
) -> None:
    command("schema", "pull", "warehouse", "contacts")
    text = ROUTES.replace('"sqlite:///crm.db"}}}', '"sqlite:///crm.db"}}, other: {adapter: warehouse}}')
    (tmp_path / "routes.yaml").write_text(text, "utf-8")
    assert "`warehouse` is a system of this project, a database, and no adapter of others" in command("validate").out
