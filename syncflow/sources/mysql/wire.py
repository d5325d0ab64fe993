"""Connections, through pymysql: one for questions, one that carries the log. The driver blocks: its calls are made in threads.

``Changes`` hands out the packets of the log as they come; it knows nothing of what stands in them. Its thread stops reading while enough
of them wait, and the server waits with it. Any await may be cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pymysql
from pymysql import converters

from syncflow.errors import ProjectError, SyncflowError, UnavailableError
from syncflow.sources.mysql.errors import refused_connection, reword
from syncflow.sources.mysql.places import MysqlGtids, Place

CONNECT_SECONDS = 10
MOST_BYTES = 16_000_000
"""Packets that wait to be read may come to this; one alone may be larger."""

_DUMP, _DUMP_GTID = 0x12, 0x1E
_YEAR_SECONDS = 31_536_000

_SAFETY = ("ssl_ca", "ssl_cert", "ssl_key")
_EXAMPLE = "mysql://user:password@host:3306/name"


def parameters_of(url: str) -> dict[str, Any]:
    """Return the driver's parameters for an address.

    Raises:
        ProjectError: it cannot be read; the message does not quote it.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port or 3306, parts.hostname or "127.0.0.1"
    except ValueError:
        raise ProjectError("the address of the database cannot be read", hint=_EXAMPLE) from None
    given: dict[str, Any] = {"host": host, "port": port, "user": unquote(parts.username or "")}
    given["password"] = unquote(parts.password or "")
    if name := unquote(parts.path.lstrip("/")):
        given["database"] = name
    for key, value in parse_qsl(parts.query):
        if key not in {*_SAFETY, "unix_socket", "ssl_verify_identity"}:
            raise ProjectError(f"the address of the database has an unknown option: {key}", hint=_EXAMPLE)
        given[key] = value.lower() in {"1", "true", "yes"} if key == "ssl_verify_identity" else value
    return given


def database_of(url: str) -> str:
    """Return the name at the end of an address; empty where there is none."""
    return unquote(urlsplit(url).path.lstrip("/"))


class Connection:
    """For questions; one at a time."""

    def __init__(self, driver: pymysql.Connection[Any]) -> None:
        self._driver = driver
        self._lock = asyncio.Lock()
        self.is_closed = False
        self.is_mariadb = "mariadb" in str(driver.server_version).lower()

    async def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask, and return all rows: text, or bytes of binary columns. A percent sign that is no value is doubled.

        Raises:
            pymysql.MySQLError: the server refuses, or is gone.
        """
        async with self._lock:
            try:
                return await asyncio.to_thread(self._rows, query, values)
            except pymysql.MySQLError:
                self.is_closed = not self._driver.open
                raise

    def _rows(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._driver.cursor() as cursor:
            cursor.execute(query, values)
            return list(cursor.fetchall())

    async def close(self) -> None:
        self.is_closed = True
        with contextlib.suppress(pymysql.MySQLError, OSError):
            await asyncio.to_thread(self._driver.close)

    def carry(self, start: Place, *, server_id: int, heartbeat_seconds: float) -> Changes:
        """Ask for the log from here on; the connection carries nothing else from now on."""
        return Changes(
            self._driver,
            lambda: _ask_for_log(
                self._driver,
                start,
                server_id=server_id,
                heartbeat_seconds=heartbeat_seconds,
                is_mariadb=self.is_mariadb,
            ),
        )


async def connect(url: str) -> Connection:
    """Connect, in autocommit mode, in UTC.

    Raises:
        ProjectError: the database refuses.
        UnavailableError: it does not answer.
    """
    parameters = parameters_of(url)
    try:
        driver = await asyncio.to_thread(_connected, parameters)
    except pymysql.MySQLError as error:
        raise refused_connection(error) from None
    except RuntimeError:  # the driver's, where the server wants encrypted passwords
        raise ProjectError(
            "the database wants the password encrypted, which needs a package that is not installed",
            hint="pip install 'syncflow[signatures]'",
        ) from None
    except OSError:
        raise ProjectError(
            "a file that `url` names cannot be read", hint="check `ssl_ca`, `ssl_cert`, `ssl_key`"
        ) from None
    return Connection(driver)


def _connected(parameters: dict[str, Any]) -> pymysql.Connection[Any]:
    driver = pymysql.connect(
        **parameters,
        charset="utf8mb4",
        autocommit=True,
        conv=dict(converters.encoders),  # values stay text
        connect_timeout=CONNECT_SECONDS,
        program_name="syncflow",
    )
    with driver.cursor() as cursor:
        cursor.execute(
            f"SET SESSION time_zone = '+00:00', sql_mode = '', wait_timeout = {_YEAR_SECONDS}, net_write_timeout = {_YEAR_SECONDS},"
            " group_concat_max_len = 1000000"
        )
    return driver


def _ask_for_log(
    driver: pymysql.Connection[Any], start: Place, *, server_id: int, heartbeat_seconds: float, is_mariadb: bool
) -> None:
    with driver.cursor() as cursor:
        period = int(heartbeat_seconds * 1e9)
        for statement in (
            "SET @master_binlog_checksum = @@global.binlog_checksum, @source_binlog_checksum = @@global.binlog_checksum",
            f"SET @master_heartbeat_period = {period}, @source_heartbeat_period = {period}",
            *(("SET @mariadb_slave_capability = 4",) if is_mariadb else ()),
        ):
            cursor.execute(statement)
        if is_mariadb and start.has_gtids:
            cursor.execute("SET @slave_connect_state = %s", (start.gtids,))
            cursor.execute("SET @slave_gtid_strict_mode = 1, @slave_gtid_ignore_duplicates = 0")
    if start.has_gtids and not is_mariadb:
        known = MysqlGtids(start.gtids).encoded()
        command, asked = _DUMP_GTID, struct.pack("<HIIQI", 4, server_id, 0, 4, len(known)) + known
    elif start.has_gtids:
        command, asked = _DUMP, struct.pack("<IHI", 4, 0, server_id)
    else:
        command, asked = _DUMP, struct.pack("<IHI", start.position & 0xFFFFFFFF, 0, server_id) + start.file.encode()
    driver._read_timeout = max(30.0, 3 * heartbeat_seconds)  # the server is silent for no longer
    driver._execute_command(command, asked)  # the driver has no public word for other commands


class Changes:
    """The packets of the log, read ahead by a thread."""

    def __init__(self, driver: pymysql.Connection[Any], ask: Callable[[], None]) -> None:
        self._driver = driver
        self._ask = ask
        self._packets: deque[bytes] = deque()
        self._bytes = 0
        self._room = threading.Condition()
        self._arrived = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._failure: SyncflowError | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="syncflow-binlog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        try:
            self._ask()
            while not self._is_closed:
                self._keep(self._driver._read_packet().get_all_data())  # as above
        except pymysql.MySQLError as error:
            self._fail(reword(error, "its binlog was read", grant=REPLICATION))
        except (OSError, ValueError, AttributeError):  # closed under its hands
            self._fail(UnavailableError("the connection to the database was lost, when its binlog was read"))

    def _keep(self, packet: bytes) -> None:
        if packet[0] == 0xFE:
            self._fail(UnavailableError("the database ended the binlog's connection"))
            self._is_closed = True
            return
        with self._room:
            while self._bytes > MOST_BYTES and not self._is_closed:
                self._room.wait()
            self._packets.append(packet)
            self._bytes += len(packet)
            is_first = len(self._packets) == 1
        if is_first:
            self._wake()

    def _fail(self, failure: SyncflowError) -> None:
        self._failure = failure
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._arrived.set)

    def next(self) -> bytes | None:
        """Return the next packet; None where none is there yet.

        Raises:
            SyncflowError: all before it has been handed out, and no more comes.
        """
        try:
            packet = self._packets.popleft()
        except IndexError:
            if self._failure is not None and not self._packets:
                raise self._failure from None
            return None
        with self._room:
            self._bytes -= len(packet)
            self._room.notify()
        return packet

    async def wait(self) -> None:
        """Wait until there is more, or no more will come."""
        self._arrived.clear()
        if not self._packets and self._failure is None:
            await self._arrived.wait()

    def wake(self) -> None:
        self._arrived.set()

    async def close(self) -> None:
        with self._room:
            self._is_closed = True
            self._room.notify_all()
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        """Wake the thread out of its read and close; the polite way would wait for the end of the log."""
        with contextlib.suppress(OSError, AttributeError):
            self._driver._sock.shutdown(socket.SHUT_RDWR)  # as above
        if self._thread.is_alive():
            self._thread.join(10)
        self._driver._force_close()  # as above


REPLICATION = "GRANT REPLICATION SLAVE ON *.* TO the_user;"
