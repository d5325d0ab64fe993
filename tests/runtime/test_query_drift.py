"""``validate --online`` of a query: columns against the schema of the record."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from syncflow.config.models.source_sql import SqlSource
from syncflow.config.project import Project
from syncflow.runtime.query_drift import find_query_drift
from syncflow.sources.sql.described import ColumnType
from tests.compiler.projects import open_project

SOURCE = """
    source:
      sql: {url: "sqlite:///crm.db", query: SELECT 1, key: ref}
    records:
      contacts: {schema: contact.yaml}
    systems:
      sales: {adapter: crm}
    routes:
      - {to: sales, mapping: person.yaml}
    """
TEXT, INTEGER = frozenset({"string"}), frozenset({"integer"})


def drift(folder: Path, *columns: ColumnType, source: str = SOURCE) -> list[tuple[str, str, str]]:
    def describe(settings: SqlSource, project: Project) -> Sequence[ColumnType]:
        assert settings.query == "SELECT 1"
        return columns

    project = open_project(folder, {"routes.yaml": source})
    found = asyncio.run(find_query_drift(project, describe=describe))
    return [(each.severity, each.message, each.hint) for each in found]


def test_a_query_that_fits_is_no_finding(tmp_path: Path) -> None:
    columns = [ColumnType("id", "text", TEXT), ColumnType("type", "", None), ColumnType("ref", "int4", INTEGER)]
    assert drift(tmp_path, *columns) == []


def test_a_required_column_a_type_that_never_fits_and_a_column_that_nothing_reads_are_told(tmp_path: Path) -> None:
    columns = [
        ColumnType("id", "int4", INTEGER),
        ColumnType("typ", "text", TEXT),
        ColumnType("vip", "tinyint", INTEGER),
        ColumnType("email", "numeric", frozenset({"string", "number"})),
        ColumnType("ref", "text", TEXT),
    ]
    cast, leave = "cast it in the SELECT, or change the schema", "leave it out of the SELECT"
    assert drift(tmp_path, *columns) == [
        (
            "error",
            "the query returns no column type, which the schema of contacts requires",
            "add it to the SELECT, or take it out of `required`",
        ),
        ("error", "the column id is int4, which becomes integer; the schema of contacts wants string", cast),
        ("error", "the column vip is tinyint, which becomes integer; the schema of contacts wants boolean", cast),
        ("warning", "nothing reads the column typ", leave),
    ]


def test_items_that_an_envelope_makes_are_not_judged_by_the_rows(tmp_path: Path) -> None:
    source = SOURCE.replace("    records:", "    envelope: {item: 'item.row'}\n    records:")
    assert drift(tmp_path, ColumnType("row", "json", None), source=source) == []
