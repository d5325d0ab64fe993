"""A private PostgreSQL with logical replication; a database of its own for each test."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.patience import PATIENCE, until
from tests.ports import free_port
from tests.servers import need

CONFIG = """
listen_addresses = '127.0.0.1'
unix_socket_directories = '{directory}'
port = {port}
wal_level = logical
max_wal_senders = 20
max_replication_slots = 20
fsync = off
jit = off
autovacuum = off
shared_buffers = 32MB
logical_decoding_work_mem = 64kB
"""


def program() -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    return str(found[-1]) if found else shutil.which("pg_ctl")


@dataclass
class Server:
    port: int
    folder: Path
    programs: Path

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}:secret-word@127.0.0.1:{self.port}/{database}"

    def control(self, *arguments: str) -> None:
        _run(
            [str(self.programs / "pg_ctl"), "-D", str(self.folder / "data"), "-w", "-t", str(int(PATIENCE)), *arguments]
        )

    def start(self) -> None:
        self.control("-l", str(self.folder / "log"), "start")

    def promote(self) -> None:
        self.control("promote")

    def stop(self, how: str = "immediate") -> None:
        self.control("-m", how, "stop")


def _run(command: list[str]) -> None:
    """Root may not run PostgreSQL: then it is the user that its package has made. A server keeps its output open: it gets none."""
    user = "postgres" if os.geteuid() == 0 else None
    null = subprocess.DEVNULL
    done = subprocess.run(command, user=user, stdin=null, stdout=null, stderr=null, check=False, cwd="/")
    assert done.returncode == 0, command


@contextmanager
def running() -> Iterator[Server]:
    programs = Path(need(program(), "PostgreSQL")).parent
    folder = Path(tempfile.mkdtemp(prefix="syncflow-postgres-"))
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    server = Server(free_port(), folder, programs)
    try:
        options = ["-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]
        _run([str(programs / "initdb"), "-D", str(folder / "data"), *options])
        with (folder / "data" / "postgresql.conf").open("a") as config:
            config.write(CONFIG.format(directory=folder, port=server.port))
        server.start()
        yield server
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def standby_of(primary: Server) -> Iterator[Server]:
    """A second server that follows the first one by streaming, until it is promoted."""
    folder = primary.folder.with_name(primary.folder.name + "-standby")
    folder.mkdir()
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    standby = Server(free_port(), folder, primary.programs)
    try:
        given = ["-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres", "-c", "fast", "--no-sync"]
        _run([str(primary.programs / "pg_basebackup"), "-D", str(folder / "data"), "-R", *given])
        with (folder / "data" / "postgresql.conf").open("a") as config:
            config.write(CONFIG.format(directory=folder, port=standby.port))
        standby.start()
        yield standby
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            standby.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Database:
    """A database of a server, as a superuser."""

    _numbers = count(1)

    def __init__(self, server: Server) -> None:
        self.server = server
        self.name = f"d{next(self._numbers)}"
        self.slot = f"slot_{self.name}"
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.name)))
        self.connection = self.connect()

    @property
    def url(self) -> str:
        return self.server.url(self.name)

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.url, autocommit=True)

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.connection.execute(statement.encode())

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(query.encode(), values or None).fetchall()

    def drop_slot(self) -> None:
        """Drop the slot, once the server has noticed that its reader has gone."""
        query = "SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s"

        def is_gone() -> bool:
            found = self.ask(query, self.slot)
            if found and found[0][0] is None:
                with contextlib.suppress(psycopg.errors.ObjectInUse):
                    self.ask("SELECT pg_drop_replication_slot(%s)", self.slot)
            elif found:
                self.ask("SELECT pg_terminate_backend(%s)", found[0][0])
            return not found

        until(is_gone, otherwise="the slot stays in use")

    def close(self) -> None:
        self.drop_slot()
        self.connection.close()
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self.name)))
