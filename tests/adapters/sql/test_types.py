"""Every type of column: what a pull says of it, and that what its field takes, its column takes (law 2)."""

# ruff: noqa: E501  # tables

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from syncflow.config.models.schema import ObjectField
from syncflow.config.object_text import object_text
from syncflow.events import Json
from tests.adapters.sql.kit import Base, client_of, delivery, ends, plan_of, send

COLUMNS = {
    "sqlite": {
        "c_text": "varchar(10)", "c_long": "text", "c_whole": "integer", "c_numeric": "decimal(5,2)", "c_float": "real", "c_bool": "boolean",
        "c_date": "date", "c_moment": "timestamp", "c_json": "json", "c_bytes": "blob",
    },
    "postgresql": {
        "c_text": "varchar(10) NOT NULL DEFAULT 'x'", "c_long": "text", "c_small": "smallint", "c_whole": "integer", "c_big": "bigint",
        "c_numeric": "numeric(5,2)", "c_exact": "numeric", "c_single": "real", "c_float": "double precision", "c_bool": "boolean",
        "c_date": "date", "c_moment": "timestamp", "c_zoned": "timestamptz", "c_time": "time", "c_uuid": "uuid", "c_json": "jsonb",
        "c_bytes": "bytea", "c_list": "text[]", "c_numbers": "integer[]", "c_mood": "mood", "c_domain": "words", "c_net": "inet",
        "c_made": "integer GENERATED ALWAYS AS (1 + 1) STORED", "c_count": "integer GENERATED ALWAYS AS IDENTITY",
    },
    "mariadb": {
        "c_text": "varchar(10) COLLATE utf8mb4_bin", "c_long": "text", "c_tiny": "tinyint", "c_small": "smallint unsigned", "c_whole": "integer",
        "c_big": "bigint", "c_numeric": "decimal(5,2)", "c_single": "float", "c_float": "double", "c_bool": "tinyint(1)", "c_date": "date",
        "c_moment": "datetime(6)", "c_time": "time", "c_bytes": "varbinary(8)", "c_mood": "enum('sad','ok')",
        "c_made": "integer AS (1 + 1) STORED",
    },
}  # fmt: skip
PULLED = {
    "sqlite": """
        id: {type: text, length: 40, required: true, unique: true}
        c_text: {type: text, length: 10}
        c_long: {type: text}
        c_whole: {type: integer}
        c_numeric: {type: decimal, minimum: -999.99, maximum: 999.99}
        c_float: {type: number, minimum: -3.4028234e+38, maximum: 3.4028234e+38}
        c_bool: {type: boolean}
        c_date: {type: date}
        c_moment: {type: "date-time"}
        c_json: {type: json}
        c_bytes: {type: text}
    """,
    "postgresql": """
        id: {type: text, length: 40, required: true, unique: true}
        c_text: {type: text, length: 10}
        c_long: {type: text}
        c_small: {type: integer, minimum: -32768, maximum: 32767}
        c_whole: {type: integer, minimum: -2147483648, maximum: 2147483647}
        c_big: {type: integer}
        c_numeric: {type: decimal, minimum: -999.99, maximum: 999.99}
        c_exact: {type: decimal}
        c_single: {type: number, minimum: -3.4028234e+38, maximum: 3.4028234e+38}
        c_float: {type: number}
        c_bool: {type: boolean}
        c_date: {type: date}
        c_moment: {type: "date-time"}
        c_zoned: {type: "date-time"}
        c_time: {type: time}
        c_uuid: {type: uuid}
        c_json: {type: json}
        c_bytes: {type: text}
        c_list: {type: json}
        c_numbers: {type: json}
        c_mood: {type: option, options: [sad, ok]}
        c_domain: {type: text}
        c_net: {type: text}
        c_made: {type: integer, read_only: true, minimum: -2147483648, maximum: 2147483647}
        c_count: {type: integer, read_only: true, minimum: -2147483648, maximum: 2147483647}
    """,
    "mariadb": """
        id: {type: text, length: 40, required: true, unique: true, case_sensitive: false}
        c_text: {type: text, length: 10}
        c_long: {type: text, length: 16383, case_sensitive: false}
        c_tiny: {type: integer, minimum: -128, maximum: 127}
        c_small: {type: integer, minimum: 0, maximum: 65535}
        c_whole: {type: integer, minimum: -2147483648, maximum: 2147483647}
        c_big: {type: integer}
        c_numeric: {type: decimal, minimum: -999.99, maximum: 999.99}
        c_single: {type: number, minimum: -3.4028234e+38, maximum: 3.4028234e+38}
        c_float: {type: number}
        c_bool: {type: boolean}
        c_date: {type: date}
        c_moment: {type: "date-time"}
        c_time: {type: time}
        c_bytes: {type: text}
        c_mood: {type: option, options: [sad, ok]}
        c_made: {type: integer, read_only: true, minimum: -2147483648, maximum: 2147483647}
    """,
}


def everything(base: Base) -> Base:
    """Make a table with a column of each type."""
    if base.kind == "postgresql":
        base.run("CREATE TYPE mood AS ENUM ('sad', 'ok')", "CREATE DOMAIN words AS text")
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS[base.kind].items())
    base.run(f"CREATE TABLE contacts (id varchar(40) PRIMARY KEY, {columns})")
    return base


def described(base: Base) -> dict[str, ObjectField]:
    with client_of(plan_of(base.url)) as client:
        return asyncio.run(client.describe("contacts"))


def test_a_pull_says_what_a_table_is(base: Base) -> None:
    text = object_text("contacts", described(everything(base)), comment="")
    wanted = "\n".join(f"  {line.strip()}" for line in PULLED[base.kind].strip().splitlines())
    assert text == f"# \nobject: contacts\nfields:\n{wanted}\n"


def samples(name: str, field: ObjectField) -> list[Json]:
    """Return values at the edges of what a field takes."""
    match field.type:
        case "text" if name == "c_bytes":
            return ["", "AAEC/w=="]
        case "text" if name == "c_net":
            return ["10.0.0.1", "::1"]
        case "text":
            return ["", "x" * min(field.length or 5000, 5000), ("ß🎉\\'\"%s:x\n\t;--" * 9)[: field.length or 99]]
        case "integer":
            return [
                field.minimum if field.minimum is not None else -(2**63),
                field.maximum if field.maximum is not None else 2**63 - 1,
                0.0,
            ]
        case "decimal":
            given: list[Json] = [field.minimum, field.maximum, 0.005, 1e-9, 7]
            return given if field.maximum is not None else ["12345678901234567890.0123456789", 1e300, 5e-324, -1]
        case "number":
            return (
                [field.minimum, field.maximum, 1e-300, 0.1]
                if field.maximum is not None
                else [1.7976931348623157e308, 5e-320, -0.0]
            )
        case "boolean":
            return [True, False]
        case "date":
            return ["0001-01-01", "2024-02-29", "9999-12-31"]
        case "date-time":
            return [
                "1970-01-02T00:00:00Z",
                "2024-02-29T23:59:59.123456+05:30",
                "9999-12-30T00:00:00-11:00",
                "0001-01-03T00:00:00Z",
            ]
        case "time":
            return ["00:00:00", "23:59:59.999999", "10:30:00"]
        case "uuid":
            return ["123e4567-e89b-12d3-a456-426614174000", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"]
        case "option":
            return list(field.options or ())
    if name == "c_numbers":
        return [[], [1, None, -5]]
    return [[], ["a", None, 'b"{},\\']] if name == "c_list" else [{"a": [1, "ö", None]}, [], "text", 5, True]


def test_what_a_field_takes_its_column_takes(base: Base) -> None:
    fields = described(everything(base))
    with client_of(plan_of(base.url)) as client:
        for name, field in fields.items():
            if name == "id" or field.read_only:
                continue
            given = [delivery(f"{name}{n}", {name: value}) for n, value in enumerate([*samples(name, field), None])]
            given = given[:-1] if name == "c_text" and base.kind == "postgresql" else given  # it is not null
            assert ends(send(client, *given)) == ["delivered"] * len(given), (name, [each.payload for each in given])


def value_of(base: Base, column: str) -> Any:
    return base.ask(f"SELECT {column} FROM contacts WHERE id = 'A1'")[0][0]


def test_values_are_kept_with_all_that_they_say(base: Base) -> None:
    everything(base)
    moment = "2026-07-01T10:30:00.123456+02:00"
    given: dict[str, Json] = {
        "c_numeric": "123.45",
        "c_bool": True,
        "c_date": "2026-07-01",
        "c_moment": moment,
        "c_long": "ß🎉",
    }
    if base.kind == "postgresql":
        given |= {
            "c_exact": "12345678901234567890.123456789",
            "c_zoned": moment,
            "c_json": {"a": [1, None]},
            "c_list": ["a", None],
            "c_bytes": "aGk=",
        }
    with client_of(plan_of(base.url, timezone="Europe/Berlin")) as client:
        assert ends(send(client, delivery("A1", given))) == ["delivered"]
    local = datetime(2026, 7, 1, 10, 30, 0, 123456, tzinfo=UTC).replace(tzinfo=None)
    kept = {name: value_of(base, name) for name in given}
    if base.kind == "sqlite":
        assert kept == {
            "c_numeric": 123.45,
            "c_bool": 1,
            "c_date": "2026-07-01",
            "c_moment": str(local),
            "c_long": "ß🎉",
        }
        return
    wanted = {
        "c_numeric": Decimal("123.45"),
        "c_bool": 1,
        "c_date": date(2026, 7, 1),
        "c_moment": local,
        "c_long": "ß🎉",
    }
    if base.kind == "postgresql":
        wanted |= {
            "c_exact": Decimal("12345678901234567890.123456789"),
            "c_json": {"a": [1, None]},
            "c_list": ["a", None],
            "c_bytes": b"hi",
        }
        assert kept.pop("c_zoned") == datetime.fromisoformat(moment)
    assert kept == wanted, json.dumps(kept, default=str)
