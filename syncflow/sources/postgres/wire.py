"""Connections: one for questions, one that carries the changes (COPY BOTH), through psycopg's wrapper of libpq.

``Changes`` hands out messages as they come and says how far they are confirmed; it knows nothing of what stands in them. All of it happens
on the event loop: nothing blocks, and any await may be cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from syncflow.errors import ProjectError, UnavailableError
from syncflow.sources.postgres.errors import refused_connection, reworded
from syncflow.sources.postgres.pgoutput import EPOCH_SECONDS
from syncflow.sources.postgres.values import SESSION

CONNECT_SECONDS = 10

PATIENCE_SECONDS = 30.0
"""A question to the catalogues or about a few rows that is not answered by then is not answered at all: the server hangs."""

_WAL_HEADER = 25
"""Bytes before the plugin's message: the sign, its start, the end of the log, the time."""


def parameters_of(url: str, *, replication: bool = False) -> dict[str, Any]:
    """Return libpq's parameters for an address.

    Raises:
        ProjectError: it cannot be read; the message does not quote it.
    """
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        raise ProjectError(
            "the address of the database cannot be read", hint="postgresql://user:password@host:5432/name"
        ) from None
    mine: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "syncflow",
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,
    }
    if "," in str(given.get("host", "")):
        mine["target_session_attrs"] = "primary"
    options = f"{given.pop('options', '') or ''} {SESSION}".strip()
    forced: dict[str, Any] = {"options": options} | ({"replication": "database"} if replication else {})
    return mine | given | forced


class Connection(psycopg.AsyncConnection[tuple[Any, ...]]):
    """A connection that is hung up where a question stays without an answer."""

    patience_seconds = PATIENCE_SECONDS
    is_hung_up = False
    """Whether it was ended because a question was not answered in time."""

    @contextmanager
    def patiently(self) -> Iterator[None]:
        """Bound the time that an answer may take; the question then fails as one whose connection is lost."""
        timer = asyncio.get_running_loop().call_later(self.patience_seconds, self.hang_up)
        try:
            yield
        finally:
            timer.cancel()

    def hang_up(self) -> None:
        """End it while others may wait for it."""
        self.is_hung_up = True
        hang_up(self.pgconn)


def hang_up(wire: pq.abc.PGconn) -> None:
    """End a connection in both directions, so that its reader sees the end at once, whatever the server does."""
    with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(wire.socket)) as ended:
        ended.shutdown(socket.SHUT_RDWR)


async def connect(url: str, *, replication: bool = False, patience_seconds: float = PATIENCE_SECONDS) -> Connection:
    """Connect, in autocommit mode.

    Raises:
        ProjectError: the database refuses.
        UnavailableError: it does not answer.
    """
    parameters = parameters_of(url, replication=replication)
    try:
        connection = await Connection.connect(make_conninfo(**parameters), autocommit=True)
    except psycopg.Error as error:
        raise refused_connection(str(error)) from None
    except OSError:
        raise UnavailableError("the host of the database cannot be reached") from None
    connection.patience_seconds = patience_seconds
    return connection


class Copied:
    """What the server sends after one command, message by message, on a connection that does nothing else meanwhile."""

    def __init__(self, connection: Connection) -> None:
        self._wire: pq.abc.PGconn = connection.pgconn
        self._ready = asyncio.Event()
        self._watched = -1

    async def _begin(self, command: bytes, status: pq.ExecStatus) -> None:
        """Send the command, and wait until the server has answered that it begins to send.

        Raises:
            psycopg.Error: the server refuses, or the connection is lost.
        """
        self._watched = self._wire.socket
        asyncio.get_running_loop().add_reader(self._watched, self._ready.set)
        self._wire.nonblocking = 1
        self._wire.send_query(command)
        self._wire.flush()
        while self._wire.is_busy():
            await self._more()
        result = self._wire.get_result()
        if result is None or result.status != status:
            raise psycopg.errors.error_from_result(result) if result else psycopg.OperationalError("no answer")

    async def _more(self) -> None:
        self._ready.clear()
        self._wire.consume_input()
        if self._wire.is_busy() and not self._ready.is_set():
            await self._ready.wait()

    def leave(self) -> None:
        """Watch the connection no longer, before it is closed: the loop would take another one for it that gets its number."""
        if self._watched >= 0:
            asyncio.get_running_loop().remove_reader(self._watched)
        self._watched = -1


class CopiedRows(Copied):
    """The rows of one ``COPY … TO STDOUT``; errors are those of the driver."""

    _has_ended = False

    async def start(self, command: bytes) -> None:
        try:
            await self._begin(command, pq.ExecStatus.COPY_OUT)
        except BaseException:
            self.leave()
            raise

    async def some(self, *, most: int, most_bytes: int) -> list[bytes]:
        """Wait for this many rows, or for rows of this many bytes; return fewer only at the end, and none behind it."""
        try:
            return await self._some(most, most_bytes)
        except BaseException:
            self.leave()
            raise

    async def _some(self, most: int, most_bytes: int) -> list[bytes]:
        found: list[bytes] = []
        while len(found) < most and most_bytes > 0 and not self._has_ended:
            size, data = self._wire.get_copy_data(1)
            if size > 0:
                most_bytes -= size
                found.append(bytes(data))
            elif size == 0:
                await self._wait()
            else:
                self._has_ended = True
                await self._end()
        return found

    async def _wait(self) -> None:
        """Wait for bytes; there may be some, and no whole row in them."""
        await self._ready.wait()
        self._ready.clear()
        self._wire.consume_input()

    async def _end(self) -> None:
        """Read how the command ended, and leave the connection as it was."""
        failure: psycopg.Error | None = None
        while True:
            while self._wire.is_busy():
                await self._more()
            result = self._wire.get_result()
            if result is None:
                break
            if result.status != pq.ExecStatus.COMMAND_OK:
                failure = psycopg.errors.error_from_result(result)
        self.leave()
        if failure is not None:
            raise failure


class Changes(Copied):
    """The stream of one replication slot."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._connection = connection
        self.is_started = False
        self.received = 0
        """How far the server says that it has sent everything."""
        self.confirmed = 0

    async def start(self, *, slot: str, publication: str) -> None:
        """Begin where the slot stands.

        Raises:
            ProjectError: the slot or the publication cannot be used.
            UnavailableError: it is in use, or the connection is lost.
        """
        names = publication.replace('"', '""').replace("'", "''")
        command = f"START_REPLICATION SLOT \"{slot}\" LOGICAL 0/0 (proto_version '1', publication_names '\"{names}\"')"
        with reworded("the changes were asked for"):
            await self._begin(command.encode(), pq.ExecStatus.COPY_BOTH)
        self.is_started = True

    def next(self) -> bytes | None:
        """Return the next message of the plugin that has arrived; None where none has.

        Raises:
            UnavailableError: the connection is lost.
        """
        is_drained = False
        while True:
            try:
                size, data = self._wire.get_copy_data(1)
                if size == 0 and not is_drained:
                    self._wire.consume_input()  # what came meanwhile makes a fuller chunk
                    is_drained = True
                    continue
            except psycopg.Error:
                raise UnavailableError("the connection to the database was lost") from None
            if size == 0:
                return None
            if size < 0:
                raise self._ended()
            message = bytes(data)
            if message[0] == 0x77:  # w
                return message[_WAL_HEADER:]
            self.received = max(self.received, int.from_bytes(message[1:9], "big"))
            if message[17]:
                self.confirm()

    def _ended(self) -> Exception:
        """Say why the server ended the stream."""
        result = self._wire.get_result()
        state = result.error_field(pq.DiagnosticField.SQLSTATE) if result else None
        if state and state.startswith(b"42"):
            return ProjectError(
                f"the database cannot decode the changes (SQLSTATE {state.decode()}): is the publication gone?",
                hint="`syncflow check` says what is missing",
            )
        return UnavailableError("the database ended the stream of changes")

    def wake(self) -> None:
        """Let ``wait`` return."""
        self._ready.set()

    def hang_up(self) -> None:
        """End the connection under the reader: the server does not answer any more."""
        hang_up(self._wire)

    async def wait(self) -> None:
        """Wait until something has arrived.

        Raises:
            UnavailableError: the connection is lost.
        """
        await self._ready.wait()
        self._ready.clear()
        try:
            self._wire.consume_input()
        except psycopg.Error:
            raise UnavailableError("the connection to the database was lost") from None

    def confirm(self) -> None:
        """Tell the server that everything up to ``confirmed`` is durable here.

        Raises:
            UnavailableError: the connection is lost.
        """
        now = int((time.time() - EPOCH_SECONDS) * 1e6)
        status = struct.pack(
            "!cQQQqB", b"r", max(self.received, self.confirmed), self.confirmed, self.confirmed, now, 0
        )
        try:
            self._wire.put_copy_data(status)
            self._wire.flush()
        except psycopg.Error:
            raise UnavailableError("the connection to the database was lost") from None

    async def close(self) -> None:
        self.leave()
        self.is_started = False
        await self._connection.close()
