"""A private PostgreSQL and a private MariaDB for the tests of a module, with a database of its own for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.servers import mariadb
    from tests.servers.postgres import Database, Server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    from tests.servers.postgres import running

    with running() as server:
        yield server


@pytest.fixture
def db(server: Server) -> Iterator[Database]:
    from tests.servers.postgres import Database

    database = Database(server)
    yield database
    database.close()


@pytest.fixture(scope="module")
def mariadb_server() -> Iterator[mariadb.Server]:
    from tests.servers import mariadb

    with mariadb.running_server() as server:
        yield server


@pytest.fixture
def maria(mariadb_server: mariadb.Server) -> Iterator[mariadb.Database]:
    from tests.servers import mariadb

    database = mariadb.Database(mariadb_server)
    yield database
    database.drop()
