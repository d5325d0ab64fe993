"""A private MariaDB, with a binlog of rows; a database of its own for each test that wants one."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pymysql

from tests.patience import until
from tests.ports import free_port
from tests.servers import need

LOG = (
    "--server-id=1",
    "--log-bin=binlog",
    "--binlog-format=ROW",
    "--binlog-row-metadata=FULL",
    "--sync-binlog=0",
    "--innodb-flush-log-at-trx-commit=2",
)


@dataclass
class Server:
    """``reader`` with the password secret-word may do everything."""

    port: int
    folder: Path
    daemon: str
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        null = subprocess.DEVNULL
        command = [
            self.daemon,
            "--no-defaults",
            f"--datadir={self.folder / 'data'}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            f"--socket={self.folder / 'socket'}",
            "--innodb-buffer-pool-size=32M",
            *LOG,
            *(["--user=mysql"] if os.geteuid() == 0 else []),
        ]
        self.process = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, cwd="/")
        self.connect_as_root().close()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def connect_as_root(self) -> pymysql.Connection[Any]:
        until(self._is_there, otherwise="MariaDB does not start")
        return pymysql.connect(unix_socket=str(self.folder / "socket"), user="root", autocommit=True)

    def _is_there(self) -> bool:
        with contextlib.suppress(pymysql.OperationalError):
            pymysql.connect(unix_socket=str(self.folder / "socket"), user="root").close()
            return True
        return False


@contextmanager
def running_server() -> Iterator[Server]:
    daemon, install = need(shutil.which("mariadbd"), "MariaDB"), need(shutil.which("mariadb-install-db"), "MariaDB")
    folder, null = Path(tempfile.mkdtemp(prefix="syncflow-mariadb-")), subprocess.DEVNULL
    user = []
    if os.geteuid() == 0:
        owner = pwd.getpwnam("mysql")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        user = ["--user=mysql"]
    data = f"--datadir={folder / 'data'}"
    made = [install, "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db", *user]
    subprocess.run(made, stdin=null, stdout=null, stderr=null, check=True)
    server = Server(free_port(), folder, daemon)
    try:
        server.start()
        with server.connect_as_root() as connection, connection.cursor() as cursor:
            cursor.execute("GRANT ALL ON *.* TO reader@'127.0.0.1' IDENTIFIED BY 'secret-word' WITH GRANT OPTION")
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running() -> Iterator[str]:
    """Give the address of a server with an empty database."""
    with running_server() as server:
        database = Database(server, name="crm")
        database.close()
        yield database.url


class Database:
    """A database of a server, by a user who may do everything."""

    _numbers = count(1)

    def __init__(self, server: Server, *, name: str = "") -> None:
        self.server = server
        self.name = name or f"d{next(self._numbers)}"
        with server.connect_as_root() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {self.name} CHARACTER SET utf8mb4")
        self.connection = self.connect()

    @property
    def url(self) -> str:
        return self.url_of()

    def url_of(self, user: str = "reader", password: str = "secret-word", port: int = 0) -> str:
        return f"mysql://{user}:{password}@127.0.0.1:{port or self.server.port}/{self.name}"

    def connect(self) -> pymysql.Connection[Any]:
        return pymysql.connect(
            host="127.0.0.1",
            port=self.server.port,
            user="reader",
            password="secret-word",
            database=self.name,
            autocommit=True,
            charset="utf8mb4",
        )

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.ask(statement)

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(query, values or None)
            return list(cursor.fetchall())

    def close(self) -> None:
        with contextlib.suppress(pymysql.Error):
            self.connection.close()

    def drop(self) -> None:
        self.close()
        with self.server.connect_as_root() as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {self.name}")
