"""In which columns rows may differ so that it matters: those that the schema declares or an expression reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncflow.compiler.columns import columns_of
from syncflow.compiler.fingerprint import parts_of
from syncflow.compiler.footprint import changed_places, footprint, needing_restart
from syncflow.config.project import Project
from tests.compiler.projects import open_project

SQL = 'sql: {url: "sqlite:///crm.db", query: SELECT 1, key: ref, changes: diff}'
FILE = "file: {path: people.csv, key: ref, changes: diff}"
DECLARED = ("email", "id", "name", "since", "type", "vip")
PERSON = """
    source: contacts
    target: crm/people
    key: external_id
    fields:
      external_id: item.id
      last_name: EXPRESSION
    """
SCHEMA = """
    type: object
    required: [id, type]
    properties:
      id: {type: string, minLength: 1, maxLength: 20}
      type: {type: string, enum: [lead, customer, partner]}
    MORE
    """


def project(folder: Path, *, expression: str = "item.name", more: str = "", source: str = SQL) -> Project:
    routes = f"""
        source:
          {source}
        records:
          contacts: {{schema: contact.yaml}}
        systems:
          sales: {{adapter: crm}}
        routes:
          - {{to: sales, mapping: person.yaml, when: item.region != 'x'}}
        """
    files = {"routes.yaml": routes, "person.yaml": PERSON.replace("EXPRESSION", expression)}
    if more:
        files["contact.yaml"] = SCHEMA.replace("MORE", more)
    return open_project(folder, files)


@pytest.mark.parametrize("source", [SQL, FILE], ids=["sql", "file"])
def test_what_the_schema_declares_and_what_expressions_read_counts(source: str, tmp_path: Path) -> None:
    found = columns_of(project(tmp_path, expression="join('', [item.nick, item.address.city])", source=source))
    assert found.compared == tuple(sorted([*DECLARED, "address", "nick", "region"]))


@pytest.mark.parametrize(
    "expression",
    ["to_json(item)", "to_json(@)", "keys(item)[0]", "'{{ item | tojson }}'", "length(keys(@.item))"],
)
def test_an_expression_that_takes_the_item_as_a_whole_reads_every_column(expression: str, tmp_path: Path) -> None:
    assert columns_of(project(tmp_path, expression=expression)).compared is None


@pytest.mark.parametrize("more", ["additionalProperties: false", "additionalProperties: {type: string}"])
def test_a_schema_that_judges_other_columns_reads_every_column(more: str, tmp_path: Path) -> None:
    assert columns_of(project(tmp_path, more=more)).compared is None


def test_an_envelope_of_ones_own_may_read_any_column(tmp_path: Path) -> None:
    assert columns_of(project(tmp_path, source=f"{SQL}\n        envelope: {{id: item.ref}}")).compared is None


def test_the_column_of_the_time_counts_where_the_time_is_read(tmp_path: Path) -> None:
    timed = SQL.replace("key: ref", "key: ref, timestamp: at")
    compared = columns_of(project(tmp_path / "a", source=timed)).compared
    assert compared == tuple(sorted([*DECLARED, "region"]))
    compared = columns_of(project(tmp_path / "b", source=timed, expression="to_string(timestamp)")).compared
    assert compared == tuple(sorted([*DECLARED, "at", "region"]))


def test_the_key_and_the_time_are_vital_columns_of_a_csv(tmp_path: Path) -> None:
    found = columns_of(project(tmp_path, source=FILE.replace("key: ref", "key: ref, timestamp: at")))
    vital = {(reader.column, Path(reader.place).name) for reader in found.readers if reader.is_vital}
    assert vital >= {("ref", "routes.yaml:3 (key)"), ("at", "routes.yaml:3 (timestamp)")}


def test_a_mapping_that_reads_another_column_needs_a_restart(tmp_path: Path) -> None:
    prints = []
    for name, expression in (("a", "item.name"), ("b", "item.nick")):
        found = project(tmp_path / name, expression=expression)
        prints.append(footprint(found, parts_of(found)))
    places = changed_places(*prints)
    assert needing_restart(places) == ("source.sql.changes (columns that are read)",)
