"""Which driver speaks to a database whose address names none, and which package holds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from syncflow.patterns import lazy_pattern

DEFAULT_DRIVERS: Mapping[str, str] = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "oracle": "oracle+oracledb",
}

PACKAGES: Mapping[str, tuple[str, str]] = {
    "postgresql+psycopg": ("psycopg", "'syncflow[postgres]'"),
    "mysql+pymysql": ("pymysql", "'syncflow[mysql]'"),
    "mariadb+pymysql": ("pymysql", "'syncflow[mysql]'"),
    "oracle+oracledb": ("oracledb", "oracledb"),
    "duckdb": ("duckdb_engine", "duckdb-engine"),
    "snowflake": ("snowflake", "snowflake-sqlalchemy"),
    "bigquery": ("sqlalchemy_bigquery", "sqlalchemy-bigquery"),
    "redshift": ("sqlalchemy_redshift", "sqlalchemy-redshift"),
    "mssql+pyodbc": ("pyodbc", "pyodbc"),
    "mssql": ("pyodbc", "pyodbc"),
}
"""Scheme of an address → the module that must be there, and what pip installs it by."""


_POSTGRES = lazy_pattern(r"postgres(?:ql)?://|\w+ *=")


def is_postgres(url: str) -> bool:
    """Whether a text looks like an address of PostgreSQL."""
    return _POSTGRES.match(url) is not None


def missing_package(url: str, is_installed: Callable[[str], bool]) -> str:
    """Return what pip has to install for an address; empty where nothing is known to be missing."""
    scheme = url.partition("://")[0]
    module, package = PACKAGES.get(DEFAULT_DRIVERS.get(scheme, scheme), ("", ""))
    wanted = [("sqlalchemy", "'syncflow[sql]'"), *([(module, package)] if module else [])]
    return " ".join(package for module, package in wanted if not is_installed(module))
