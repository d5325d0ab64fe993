"""SQLite, PostgreSQL and MariaDB: one server each for all tests, a database of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.sql.kit import Base, Sqlite


@pytest.fixture(scope="session")
def servers() -> Iterator[dict[str, Any]]:
    """Servers that were started so far, by kind of database."""
    with ExitStack() as stack:
        yield {"stack": stack}


def _server(servers: dict[str, Any], kind: str) -> Any:
    if kind not in servers:
        if kind == "postgresql":
            from tests.servers.postgres import running

            servers[kind] = servers["stack"].enter_context(running())
        else:
            from tests.servers.mariadb import running_server

            servers[kind] = servers["stack"].enter_context(running_server())
    return servers[kind]


@contextmanager
def _database(kind: str, servers: dict[str, Any], folder: Path) -> Iterator[Base]:
    if kind == "sqlite":
        database: Any = Sqlite(folder / "warehouse.db")
    elif kind == "postgresql":
        from tests.servers.postgres import Database

        database = Database(_server(servers, kind))
    else:
        from tests.servers.mariadb import Database as MariaDatabase

        database = MariaDatabase(_server(servers, kind))
    database.kind = kind
    yield database
    (database.drop if kind == "mariadb" else database.close)()


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def base(request: pytest.FixtureRequest, servers: dict[str, Any], tmp_path: Path) -> Iterator[Base]:
    """A database of its own, of each kind."""
    with _database(request.param, servers, tmp_path) as database:
        yield database


@pytest.fixture(params=["postgresql", "mariadb"])
def served(request: pytest.FixtureRequest, servers: dict[str, Any], tmp_path: Path) -> Iterator[Base]:
    """A database of its own, of each kind that has a server."""
    with _database(request.param, servers, tmp_path) as database:
        yield database
