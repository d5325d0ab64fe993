"""Tables of names compiled: how each is read, and how an entry is made that it lacks."""

from __future__ import annotations

from collections.abc import Mapping

from syncflow.compiler.wire.adapter_expressions import AdapterExpressions, Step
from syncflow.compiler.wire.operations import compile_pages, compile_request
from syncflow.compiler.wire.plans import LookupTablePlan, NewEntryPlan
from syncflow.config.models.lookup_table import LookupTable, NewEntry


def compile_tables(tables: Mapping[str, LookupTable], texts: AdapterExpressions) -> dict[str, LookupTablePlan]:
    """Compile the tables of an adapter."""
    return {name: _table(name, table, texts, ("tables", name)) for name, table in tables.items()}


def _table(name: str, table: LookupTable, texts: AdapterExpressions, path: tuple[Step, ...]) -> LookupTablePlan:
    return LookupTablePlan(
        name=name,
        request=compile_request(table.request, texts, (*path, "request"), sees=texts.sight.listed),
        pages=None if table.pages is None else compile_pages(table.pages, texts, (*path, "pages")),
        each=texts.value(table.each, *path, "each"),
        key=texts.value(table.key, *path, "key"),
        value=texts.value(table.value, *path, "value"),
        keep_seconds=table.keep,
        create=None if table.create is None else _new_entry(table.create, texts, (*path, "create")),
        place=texts.place(*path),
    )


def _new_entry(entry: NewEntry, texts: AdapterExpressions, path: tuple[Step, ...]) -> NewEntryPlan:
    return NewEntryPlan(
        request=compile_request(entry.request, texts, (*path, "request"), sees=texts.sight.made),
        value=texts.value(entry.value, *path, "value"),
    )
