"""The types that databases declare, of tables and of queries, on real servers: each row that is read fits the schema that is drafted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncflow.config.files import Files
from syncflow.config.models.schema import SchemaNode
from syncflow.sources.sql.database import Database as SqlDatabase
from syncflow.sources.sql.declared import columns_of_query
from tests.cli.conftest import Command
from tests.servers import mariadb, postgres

TABLE = """
CREATE TYPE mood AS ENUM ('fine', 'so-so');
CREATE DOMAIN code AS varchar(8) NOT NULL;
CREATE TABLE people (
    id bigint PRIMARY KEY, name varchar(120) NOT NULL, email text, mood mood, moods mood[], ref uuid NOT NULL, kind code,
    price numeric(10,2), exact numeric(30,10), score double precision, born date, at timestamptz NOT NULL, local timestamp,
    hour time, active boolean NOT NULL, tags text[], extra jsonb, raw bytea, net inet, span interval
);
COMMENT ON COLUMN people.score IS 'Out of a hundred';
"""
ROW = """
INSERT INTO people VALUES (1, 'Ada', 'ada@example.com', 'fine', '{fine,NULL}', '0b1f3c1e-8f1c-4a53-9d5e-0a5f0e9c1b2a', 'A1',
    -99999999.99, 1234567890.0123456789, 0.5, '1815-12-10', '2024-01-15 10:30:00.5+02', '2024-01-15 10:30', '10:30', true, '{a,b}',
    '{"k": [1]}', '\\x0102', '10.0.0.1/24', '1 day 02:00')
"""
EMPTY = "INSERT INTO people (id, name, ref, kind, at, active) VALUES (2, 'Alan', gen_random_uuid(), 'B2', '2024-01-15 10:30:00+00', false)"
DECLARED = {
    "id": {"type": "integer"},
    "name": {"type": "string", "maxLength": 120},
    "mood": {"type": ["string", "null"], "enum": ["fine", "so-so", None]},
    "moods": {"type": ["array", "null"], "items": {"type": ["string", "null"], "enum": ["fine", "so-so", None]}},
    "ref": {"type": "string", "format": "uuid"},
    "kind": {"type": "string", "maxLength": 8},
    "price": {"type": ["number", "null"]},
    "exact": {"type": ["string", "null"], "format": "decimal"},
    "score": {"type": ["number", "null"], "description": "Out of a hundred"},
    "born": {"type": ["string", "null"], "format": "date"},
    "at": {"type": "string", "format": "date-time-zoned"},
    "local": {"type": ["string", "null"], "format": "date-time-local"},
    "hour": {"type": ["string", "null"], "format": "time"},
    "active": {"type": "boolean"},
    "tags": {"type": ["array", "null"], "items": {"type": ["string", "null"]}},
    "raw": {"type": ["string", "null"]},
}
CERTAIN = ["id", "name", "ref", "kind", "at", "active"]


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running() as started:
        yield started


@pytest.fixture
def db(server: postgres.Server) -> Iterator[postgres.Database]:
    database = postgres.Database(server)
    database.run(TABLE)
    yield database
    database.close()


def project(folder: Path, source: dict[str, Any], monkeypatch: pytest.MonkeyPatch, *kinds: str) -> None:
    records = {kind: {"schema": "schemas/person.yaml"} for kind in ("people", *kinds)}
    routes = {"source": source, "records": records, "systems": {}, "routes": []}
    (folder / "routes.yaml").write_text(json.dumps(routes), "utf-8")
    monkeypatch.chdir(folder)


def drafted(folder: Path) -> dict[str, Any]:
    document = Files({}, offline=True).document(SchemaNode, folder / "schemas" / "person.yaml")
    assert document is not None
    found: dict[str, Any] = json.loads(document.model.model_dump_json(by_alias=True, exclude_unset=True))
    return found


def some(properties: dict[str, Any]) -> dict[str, Any]:
    """Return what is certain of the properties: without guesses."""
    guesses = {"minLength", "personal"}
    return {name: {word: value for word, value in properties[name].items() if word not in guesses} for name in DECLARED}


SOURCES = {
    "postgres": lambda url: {"postgres": {"url": url, "tables": {"people": "people"}}},
    "sql": lambda url: {"sql": {"url": url, "query": "SELECT * FROM people", "key": "id"}},
}


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("rows", [0, 2])
def test_columns_of_postgres_are_what_the_table_declares(
    kind: str,
    rows: int,
    db: postgres.Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: Command,
) -> None:
    db.run(*(ROW, EMPTY)[:rows])
    project(tmp_path, SOURCES[kind](db.url), monkeypatch)
    ended = command("schema", "infer", "--write", "schemas/person.yaml")
    assert ended.code == 0, ended.err
    schema = drafted(tmp_path)
    as_text = {"moods": {"type": ["string", "null"]}} if kind == "sql" else {}  # arrays of a type of one's own
    assert {**some(schema["properties"]), **as_text} == {**DECLARED, **as_text}
    assert schema["required"] == CERTAIN
    assert command("validate").out == "routes.yaml: 1 warning\n" or command("validate").code == 0
    if rows:
        events = json.loads(command("dry-run", "-o", "json").out)["events"]
        assert [each["dead_letters"][0]["code"] for each in events] == ["unrouted"] * rows
    assert db.ask("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()") == [(0,)]


def test_expressions_of_a_query_have_no_length_of_a_column(db: postgres.Database) -> None:
    columns = "p.id, p.name::text AS name, q.name AS other, count(*) AS n"
    query = f"SELECT {columns} FROM people p LEFT JOIN people q ON q.id = p.id GROUP BY 1, 2, 3"
    database = SqlDatabase(db.url, base=Path())
    found = {
        each.name: (each.type, each.is_nullable, each.is_key) for each in columns_of_query(database, query, key=["id"])
    }
    database.close()
    assert found == {
        "id": ("bigint", None, True),
        "name": ("text", None, False),
        "other": ("character varying(120)", None, False),
        "n": ("bigint", None, False),
    }


MARIA = """
CREATE TABLE people (
    id int unsigned PRIMARY KEY, name varchar(120) NOT NULL,
    mood enum('fine', 'so-so', 'it''s'), price decimal(10,2), exact decimal(30,10),
    born date, at datetime(6) NOT NULL, seen timestamp NULL, active tinyint(1) NOT NULL, extra json, raw blob, span time, note longtext
)
"""
MARIA_ROW = """
INSERT INTO people VALUES (1, 'Ada', 'it''s', -99999999.99, 1234567890.0123456789, '1815-12-10', '2024-01-15 10:30:00.5',
    '2024-01-15 10:30:00', 1, '{"k": 1}', x'0102', '25:00:00', 'a')
"""


@pytest.fixture(scope="module")
def maria() -> Iterator[mariadb.Database]:
    with mariadb.running_server() as started:
        database = mariadb.Database(started)
        database.run(
            MARIA, MARIA_ROW, "INSERT INTO people (id, name, at, active) VALUES (2, 'Alan', '2024-01-15 10:30:00', 0)"
        )
        yield database
        database.close()


def test_columns_of_mariadb_are_what_the_table_declares(
    maria: mariadb.Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    query = "SELECT p.*, lower(p.name) AS lowered, :x AS odd FROM people p ORDER BY id".replace(":x", "':x'")
    project(tmp_path, {"sql": {"url": maria.url, "query": query, "key": "id"}}, monkeypatch)
    ended = command("schema", "infer", "--write", "schemas/person.yaml")
    assert ended.code == 0, ended.err
    schema = drafted(tmp_path)
    found = {
        name: {word: each[word] for word in ("type", "maxLength", "enum", "format") if word in each}
        for name, each in schema["properties"].items()
    }
    assert {name: found[name] for name in ("id", "name", "mood", "price", "exact", "born", "at", "seen", "active")} == {
        "id": {"type": "integer"},
        "name": {"type": "string", "maxLength": 120},
        "mood": {"type": ["string", "null"], "enum": ["fine", "so-so", "it's", None]},
        "price": {"type": ["number", "null"]},
        "exact": {"type": ["string", "null"], "format": "decimal"},
        "born": {"type": ["string", "null"], "format": "date"},
        "at": {"type": "string", "format": "date-time-local"},
        "seen": {"type": ["string", "null"], "format": "date-time-local"},
        "active": {"type": "integer"},
    }
    assert {"lowered", "odd"} <= schema["properties"].keys()
    assert schema["required"] == ["id", "name", "at", "active", "lowered", "odd"]
    events = json.loads(command("dry-run", "-o", "json").out)["events"]
    assert [each["dead_letters"][0]["code"] for each in events] == ["unrouted"] * 2


@pytest.mark.parametrize("is_empty", [False, True])
def test_tables_of_the_binlog_are_drafted_as_their_rows_come(
    maria: mariadb.Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command, *, is_empty: bool
) -> None:
    name = "nobody" if is_empty else "people"
    if is_empty:
        maria.run("CREATE TABLE nobody LIKE people")
    project(tmp_path, {"mysql": {"url": maria.url, "tables": {name: "people", "deals": "deals"}}}, monkeypatch, "deals")
    unnamed = command("schema", "infer")
    assert (unnamed.code, unnamed.err) == (
        1,
        "error: the tables are of 2 kinds: people, deals\nhint: name one: --record people\n",
    )
    ended = command("schema", "infer", "--record", "people", "--write", "schemas/person.yaml")
    assert ended.code == 0, ended.err
    schema = drafted(tmp_path)
    words = ("type", "maxLength", "enum", "format")
    found = {name: {word: each[word] for word in words if word in each} for name, each in schema["properties"].items()}
    assert found["mood"] == {"type": ["string", "null"], "enum": ["fine", "so-so", "it's", None]}
    assert found["seen"] == {"type": ["string", "null"], "format": "date-time-zoned"}
    assert found["price"] == {"type": ["number", "null"]}
    assert found["extra"].get("type") == (None if is_empty else ["object", "null"])
    assert schema["required"] == ["id", "name", "at", "active"]


OUTBOX = """
CREATE TABLE outbox (
    id bigserial PRIMARY KEY, record text NOT NULL, operation text NOT NULL, item jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO outbox (record, operation, item) SELECT 'people', 'update', jsonb_build_object('id', n) FROM generate_series(1, 2500) n;
INSERT INTO outbox (record, operation, item) VALUES ('people', 'delete', '{"id": 1}');
"""


@pytest.mark.parametrize("read", ["poll", "cdc"])
def test_rows_of_an_outbox_are_looked_at_and_stay(
    read: str, db: postgres.Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    db.run(OUTBOX)
    project(tmp_path, {"outbox": {"url": db.url, "read": read}}, monkeypatch)
    ended = command("schema", "infer", "--write", "schemas/person.yaml")
    assert (ended.code, ended.err) == (0, "")
    written = (tmp_path / "schemas" / "person.yaml").read_text("utf-8")
    assert (
        written.splitlines()[0]
        == "# Drafted by `syncflow schema infer` from 2,500 records (people) of the source (outbox)."
    )
    assert written.endswith("required: [id]\nproperties:\n  id:\n    type: integer\n")
    assert len(json.loads(command("dry-run", "-o", "json").out)["events"]) == 10
    assert db.ask("SELECT count(*) FROM outbox") == [(2501,)]


def test_a_wrong_password_is_one_message_without_it(
    maria: mariadb.Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    url = maria.url_of(password="not-this-word")
    project(tmp_path, {"sql": {"url": url, "query": "SELECT * FROM people"}}, monkeypatch)
    ended = command("schema", "infer")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("error: ")
    assert "not-this-word" not in ended.err
