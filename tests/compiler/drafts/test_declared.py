"""What a database declares is written as it is; what contradicts it was seen, and is admitted."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow.compiler.drafts.declared import Column, declared_draft, draft_of_columns
from syncflow.compiler.drafts.write import schema_text
from tests.compiler.drafts.kit import door, misfits, seen
from tests.compiler.drafts.test_draft import SCALARS
from tests.effort import examples


def written(*columns: Column, rows: list[dict[str, Any]] | None = None) -> str:
    return schema_text(draft_of_columns(columns, None if rows is None else seen(rows)), comment=())


TYPES: dict[str, tuple[str, dict[str, Any]]] = {
    "character varying(40)": ("string", {"maxLength": 40}),
    "VARCHAR(40)": ("string", {"maxLength": 40}),
    "text": ("string", {}),
    "bigint": ("integer", {}),
    "int(11) unsigned": ("integer", {}),
    "tinyint(1)": ("integer", {}),
    "numeric(10,2)": ("number", {}),
    "decimal(10,0)": ("integer", {}),
    "numeric(30,2)": ("string", {"format": "decimal"}),
    "numeric": ("string", {"format": "decimal"}),
    "double precision": ("number", {}),
    "boolean": ("boolean", {}),
    "date": ("string", {"format": "date"}),
    "time without time zone": ("string", {"format": "time"}),
    "timestamp(3) with time zone": ("string", {"format": "date-time-zoned"}),
    "timestamp without time zone": ("string", {"format": "date-time-local"}),
    "datetime(6)": ("string", {"format": "date-time-local"}),
    "uuid": ("string", {"format": "uuid"}),
    "bytea": ("string", {}),
    "inet": ("string", {}),
    "public.\"Mood\"": ("string", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", TYPES)
def test_a_type_is_what_its_values_are_in_json(name: str) -> None:
    draft = declared_draft(name)
    assert draft is not None
    assert (draft.types, dict(draft.words)) == ((TYPES[name][0],), TYPES[name][1])


@pytest.mark.parametrize("name", ["json", "jsonb", "", "VARIANT"])
def test_of_json_nothing_is_declared(name: str) -> None:
    assert declared_draft(name) is None


def test_columns_are_written_without_any_row() -> None:
    columns = (
        Column("id", "bigint", is_nullable=False, is_key=True),
        Column("email", "character varying(160)", is_nullable=True, comment="Where\nit goes"),
        Column("mood", "public.mood", is_nullable=True, values=("ok", "no")),
        Column("tags", "text[]", is_nullable=False),
        Column("extra", "jsonb", is_nullable=True),
    )
    assert (
        written(*columns)
        == """\
type: object
required: [id, tags]
properties:
  id:
    type: integer  # key
  email:
    type: [string, "null"]
    description: "Where it goes"
    maxLength: 160
    personal: true  # guess: by its name
  mood:
    type: [string, "null"]
    enum: [ok, "no", null]
  tags:
    type: array
    items:
      type: [string, "null"]
  extra: {}
"""
    )


def test_values_that_contradict_their_declaration_win() -> None:
    column = Column("count", "INTEGER", is_nullable=False)
    assert (
        written(column, rows=[{"count": 1}, {"count": "one"}, {"count": None}])
        == """\
type: object
properties:
  count:
    type: [string, integer, "null"]  # declared as INTEGER, but other values were seen
    minLength: 1
    maxLength: 10  # guess: the longest seen has 3
"""
    )


def test_what_json_holds_is_what_was_seen() -> None:
    column = Column("extra", "jsonb", is_nullable=True)
    assert '  extra:\n    type: [object, "null"]\n    required: [a]\n' in written(column, rows=[{"extra": {"a": 1}}])


@given(
    st.sampled_from((*TYPES, "text[]", "numeric(12,2)[]", "json")),
    st.lists(SCALARS | st.lists(SCALARS, max_size=3), max_size=6),
    st.booleans(),
)
@settings(max_examples=examples(300))
def test_the_rows_that_were_seen_fit_whatever_is_declared(type_: str, values: list[Any], is_nullable: bool) -> None:
    rows = [{"x": value} for value in values]
    column = Column("x", type_, is_nullable=is_nullable)
    compiled = door(written(column, rows=deepcopy(rows)) if rows else written(column))
    for row in rows:
        assert misfits(compiled, row) == ()
