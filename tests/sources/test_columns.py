"""The header against what a project reads: a column that is read and not there is one error before the first row."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from syncflow.compiler.columns import columns_of
from syncflow.config.project import load_project
from syncflow.errors import ProjectError
from syncflow.events import Raw
from syncflow.runtime.assembly import project_source
from tests.compiler.projects import open_project
from tests.sources.kit import StepClock, read_all, write

ROUTES = """
    source: {file: {path: people.csv, SETTINGS}}
    envelope: {record: "'contacts'", operation: "'OPERATION'", timestamp: null, item: "ITEM"}
    records:
      contacts: {schema: contact.yaml, items: ITEMS}
    ignore: [item.note == 'skip']
    systems:
      sales: {adapter: crm}
    routes:
      - {to: sales, when: item.type != 'partner', mapping: person.yaml}
    """
SCHEMA = """
    type: object
    required: [id]
    properties:
      id: {type: string, minLength: 1, maxLength: 20}
      name: {type: string, maxLength: 10}
      email: {type: [string, "null"], format: email}
      type: {type: string}
      note: {type: string}
    """
MAPPING = """
    source: contacts
    target: crm/people
    key: external_id
    fields:
      external_id: item.id
      last_name: item.name || 'Unknown'
      email: lower(item.email)
    """


def read(
    folder: Path,
    text: str | bytes,
    *,
    settings: str = "",
    item: str = "@",
    operation: str = "update",
    items: str = "whole",
) -> list[Raw]:
    words: Mapping[str, str] = {"SETTINGS": settings, "ITEMS": items, "ITEM": item, "OPERATION": operation}
    routes = dedent(ROUTES)
    for word, value in words.items():
        routes = routes.replace(word, value)
    project = open_project(
        folder, {"routes.yaml": routes, "contact.yaml": dedent(SCHEMA), "person.yaml": dedent(MAPPING)}
    )
    write(folder / "people.csv", text)
    return asyncio.run(read_all(project_source(project, clock=StepClock())))


def refused(folder: Path, text: str | bytes, **how: Any) -> tuple[str, str]:
    with pytest.raises(ProjectError) as caught:
        read(folder, text, **how)
    return caught.value.message.replace(f"{folder}/", ""), caught.value.hint


def test_a_column_that_a_mapping_reads_and_the_header_lacks_is_an_error(tmp_path: Path) -> None:
    assert refused(tmp_path, "id,name,e-mail,type,note\nC1,Ada,ada@x.org,lead,\n") == (
        "people.csv: the header has no column `email`, which person.yaml:8 (email) reads (did you mean `e-mail`?)",
        "the columns are id, name, e-mail, type, note; `missing_columns: null` reads those that are missing as null",
    )


def test_every_missing_column_is_named_with_who_reads_it(tmp_path: Path) -> None:
    message, _ = refused(tmp_path, "id,name,email\nC1,Ada,ada@x.org\n")
    assert message == (
        "people.csv: the header has no column `note`, which routes.yaml:6 (ignore.0) reads; "
        "`type`, which routes.yaml:10 (routes.0.when) reads"
    )


def test_a_missing_id_is_an_error_also_where_missing_columns_are_null(tmp_path: Path) -> None:
    assert refused(tmp_path, "ID,name,email,type,note\n1,Ada,,lead,\n", settings="missing_columns: null") == (
        "people.csv: the header has no column `id`, which routes.yaml:5 (records.contacts.id) reads (did you mean `ID`?)",
        "the columns are ID, name, email, type, note",
    )


def test_missing_columns_are_null_where_that_is_told(tmp_path: Path) -> None:
    (raw,) = read(tmp_path, "id,name,type\nC1,Ada,lead\n", settings="missing_columns: null")
    assert json.loads(raw.body) == {"id": "C1", "name": "Ada", "type": "lead", "email": None}


def test_one_column_where_many_are_read_asks_for_the_delimiter(tmp_path: Path) -> None:
    _, hint = refused(tmp_path, "id:name:email:type:note\nC1:Ada::lead:\n", settings="missing_columns: null")
    assert (
        hint == "the only column is id:name:email:type:note, with the delimiter ,: is another one right? (`delimiter:`)"
    )


def test_data_in_place_of_a_header_is_not_shown(tmp_path: Path) -> None:
    _, hint = refused(tmp_path, "C1,Ada,ada@x.org,015112345\n")
    assert hint == (
        "the columns are C1, Ada, (not shown), (not shown); if the first row is no header, name the columns with `columns:`"
    )


def test_columns_are_told_where_the_file_has_no_header(tmp_path: Path) -> None:
    (raw,) = read(tmp_path, "C1,Ada,,lead,\n", settings="columns: [id, name, email, type, note]")
    assert json.loads(raw.body) == {"id": "C1", "name": "Ada", "email": None, "type": "lead"}


def test_an_envelope_names_columns_by_other_names(tmp_path: Path) -> None:
    item = '{id: Id, name: \\"Full Name\\", email: Mail, type: Kind, note: Note}'
    message, _ = refused(tmp_path, "Id,FullName,Mail,Kind,Note\nC1,Ada,,lead,\n", item=item)
    assert message == (
        "people.csv: the header has no column `Full Name`, which person.yaml:7 (last_name) reads (did you mean `FullName`?)"
    )


def test_rows_that_only_delete_need_no_more_than_the_key_and_the_rules(tmp_path: Path) -> None:
    (raw,) = read(tmp_path, "id,type,note\nC1,lead,\n", operation="delete")
    assert json.loads(raw.body) == {"id": "C1", "type": "lead"}


def test_partial_items_need_no_column_but_those_of_keys_and_rules(tmp_path: Path) -> None:
    (raw,) = read(tmp_path, "id,type,note\nC1,lead,\n", items="partial")
    assert json.loads(raw.body) == {"id": "C1", "type": "lead"}


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("C1\n", "is one cell, where the header has 5"),
        (",Ada,,lead,\n", "has no id: its column `id` is empty"),
    ],
    ids=["one cell", "no id"],
)
def test_a_first_row_that_cannot_be_right_stops_with_one_message(rows: str, why: str, tmp_path: Path) -> None:
    message, _ = refused(tmp_path, "id,name,email,type,note\n" + rows + "C2,Eve,,lead,\n" * 100)
    assert message == f"people.csv: the first row (line 2) {why}"


def test_a_later_row_that_cannot_be_right_costs_itself(tmp_path: Path) -> None:
    found = read(tmp_path, "id,name,email,type,note\nC2,Eve,,lead,\n,Ada,,lead,\nC3\n")
    assert [raw.broken for raw in found] == ["", "", "expected 5 cells as in the first row, found 1"]


def test_a_doubled_column_that_nothing_reads_is_left_out(tmp_path: Path) -> None:
    (raw,) = read(tmp_path, "id,x,name,x,email,type,note\nC1,1,Ada,2,,lead,hm\n")
    assert json.loads(raw.body) == {"id": "C1", "name": "Ada", "email": None, "type": "lead", "note": "hm"}
    message, _ = refused(tmp_path, "id,name,name,email,type,note\nC1,1,Ada,2,,lead,hm\n")
    assert message == "people.csv: the header names the column `name` twice"


def test_the_types_of_columns_are_those_of_the_schema(tmp_path: Path) -> None:
    read(tmp_path, "id,name,email,type,note\n")
    columns = columns_of(load_project(tmp_path / "routes.yaml", environment={}))
    assert (columns.id, columns.types["email"].is_nullable, columns.types["name"].is_nullable) == ("id", True, False)
