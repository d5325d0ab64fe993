"""What ``validate`` says of a source ``mysql`` before anything is opened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from syncflow.config.models.sources import SourceSettings
from syncflow.config.source_settings import check_sources
from tests.compiler.projects import open_project


def said(folder: Path, mysql: dict[str, Any], *installed: str) -> list[tuple[str, str, str]]:
    routes = open_project(folder).routes
    model = routes.model.model_copy(update={"source": SourceSettings.model_validate({"mysql": mysql})})
    found = check_sources(replace(routes, model=model), is_installed=installed.__contains__)
    return [(each.code, each.message, each.hint) for each in found]


def test_a_missing_package_is_named_with_its_extra(tmp_path: Path) -> None:
    source = {"url": "mysql://h/d", "tables": {"t": "contacts"}}
    message = "reading from MySQL needs a package that is not installed"
    assert said(tmp_path, source) == [("SF222", message, "pip install 'syncflow[mysql]'")]
    assert said(tmp_path, source, "pymysql") == []
    assert said(tmp_path, source | {"url": "mariadb://u:p@h:3307/d?ssl_ca=x"}, "pymysql") == []


def test_tables_of_no_kind_without_a_database_and_named_twice_are_told(tmp_path: Path) -> None:
    tables = {"people": "contact", "crm.people": "contacts"}
    found = said(tmp_path, {"url": "postgresql://sync:hidden@h/crm", "tables": tables}, "pymysql")
    assert [(code, message) for code, message, _ in found] == [
        ("SF205", "`url` is not written like this"),
        ("SF404", "there is no kind of record `contact`"),
    ]
    found = said(
        tmp_path, {"url": "mysql://h/crm", "tables": {"people": "contacts", "crm.people": "contacts"}}, "pymysql"
    )
    assert [(code, message) for code, message, _ in found] == [
        ("SF205", "`people` and `crm.people` are the same table")
    ]
    found = said(tmp_path, {"url": "mysql://h:3306", "tables": {"people": "contacts"}}, "pymysql")
    assert [(code, message) for code, message, _ in found] == [
        ("SF205", "`people` is in no database: `url` ends without one")
    ]
