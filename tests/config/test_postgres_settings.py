"""What ``validate`` says of a source ``postgres`` or ``outbox`` before anything is opened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syncflow.config.models.sources import SourceSettings
from syncflow.config.source_settings import check_sources
from tests.compiler.projects import open_project


def said(folder: Path, source: dict[str, Any], *installed: str) -> list[tuple[str, str, str]]:
    routes = open_project(folder).routes
    model = routes.model.model_copy(update={"source": SourceSettings.model_validate(source)})
    found = check_sources(replace(routes, model=model), is_installed=installed.__contains__)
    return [(each.code, each.message, each.hint) for each in found]


@pytest.mark.parametrize(
    "source",
    [{"postgres": {"url": "postgresql://h/d", "tables": {"t": "contacts"}}}, {"outbox": {"url": "postgresql://h/d"}}],
    ids=["postgres", "outbox"],
)
def test_a_missing_package_is_named_with_its_extra(source: dict[str, Any], tmp_path: Path) -> None:
    message = "reading from PostgreSQL needs a package that is not installed"
    assert said(tmp_path, source) == [("SF222", message, "pip install 'syncflow[postgres]'")]
    assert said(tmp_path, source, "psycopg") == []


def test_settings_of_the_other_way_to_read_an_outbox_are_told(tmp_path: Path) -> None:
    polled = {"outbox": {"url": "postgresql://h/d", "slot": "s", "heartbeat": "1s"}}
    assert said(tmp_path, polled, "psycopg") == [
        ("SF205", "`slot` has no meaning with `read: poll`", "write `read: cdc`, or remove it"),
        ("SF205", "`heartbeat` has no meaning with `read: poll`", "write `read: cdc`, or remove it"),
    ]
    read = {"outbox": {"url": "postgresql://h/d", "read": "cdc", "slot": "s", "every": "1s"}}
    assert said(tmp_path, read, "psycopg") == [
        ("SF205", "`every` has no meaning with `read: cdc`", "write `read: poll`, or remove it"),
    ]


def test_tables_of_no_kind_and_tables_named_twice_are_told(tmp_path: Path) -> None:
    tables = {"people": "contact", "public.people": "contacts"}
    source = {"postgres": {"url": "mysql://sync:hidden@h/d", "tables": tables}}
    assert [(code, message) for code, message, _ in said(tmp_path, source, "psycopg")] == [
        ("SF205", "`url` is not written like this"),
        ("SF404", "there is no kind of record `contact`"),
        ("SF205", "`people` and `public.people` are the same table"),
    ]
