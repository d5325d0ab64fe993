"""Before the first row: what is missing over there is made where it can be, and the slot is found or made.

A slot that is gone, or whose log is, has lost changes: that is an error, and is mended only where the rows are read anew anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from syncflow.clock import Clock
from syncflow.config.models.source_postgres import PostgresSource
from syncflow.errors import ProjectError, UnavailableError
from syncflow.events import Position
from syncflow.sources.postgres.catalog import Missing, end_of_log, files_of, full_name, missing, read_slot, rows
from syncflow.sources.postgres.errors import reworded
from syncflow.sources.postgres.wire import Connection

ANEW = "read all rows anew, and compare them with what is known: `syncflow run --resnapshot`"

STANDBYS_DECODE = 160_000
"""From PostgreSQL 16 on, changes can be read from a standby."""

IN_USE_TRIES = 10
"""A run that was killed may hold its slot for some seconds more."""


@dataclass(frozen=True, slots=True)
class Made:
    """A slot that was just made: the name of its exported snapshot, and the time before it."""

    snapshot: str
    at: str
    files: Sequence[tuple[Any, ...]]
    """Of the tables, before it: its snapshot sees no row of one that was rewritten since."""


async def prepare(connection: Connection, settings: PostgresSource, *, clock: Clock) -> bool:
    """Make what is missing; return whether a table was added to a publication that was there.

    Raises:
        ProjectError: what is missing cannot be made from here.
    """
    with reworded("its tables were looked up"):
        found = await missing(connection, settings)
    return await make_missing(connection, found, clock=clock)


async def make_missing(connection: Connection, found: Sequence[Missing], *, clock: Clock) -> bool:
    """Make what can be made; return whether a table was added to a publication that was there.

    Raises:
        ProjectError: something cannot be made from here.
    """
    if lacking := [each for each in found if not each.can_be_made]:
        raise ProjectError("; ".join(each.words for each in lacking), hint=_hint(lacking))
    for each in found:
        with reworded("the publication was made", grant=f"as the owner of the tables: {each.sql}"):
            await connection.execute(each.sql.encode())
    if any(" ADD TABLE " in each.sql for each in found):
        await _older_transactions(connection, clock)
        return True
    return False


def _hint(lacking: list[Missing]) -> str:
    return " ".join(each.sql for each in lacking if each.sql)


async def _older_transactions(connection: Connection, clock: Clock) -> None:
    """Wait until each transaction that began before the table was published has ended: its changes are not in the stream."""
    ((mine,),) = await rows(connection, "SELECT pg_current_xact_id()::text::bigint")
    while True:
        ((oldest,),) = await rows(connection, "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        if oldest > mine:
            return
        await clock.sleep(0.2)


async def find_slot(
    side: Connection,
    replication: Connection,
    settings: PostgresSource,
    *,
    is_resumed: bool,
    may_start_anew: bool,
    clock: Clock,
) -> Made | None:
    """Find the slot, or make it; return the snapshot of one that was made.

    ``is_resumed``: changes were read from it before. ``may_start_anew``: all rows are read anew, so that nothing is lost by a new slot.

    Raises:
        ProjectError: it belongs to something else, or it is gone with changes that were not read.
        UnavailableError: it is in use.
    """
    name = settings.slot
    for attempt in range(IN_USE_TRIES + 1):
        slot = await read_slot(side, name)
        if slot is None or not slot.is_active:
            break
        if attempt == IN_USE_TRIES:
            raise UnavailableError(
                f"the replication slot {name} is in use",
                hint="end the other reader, or give this project a slot of its own (`slot:`)",
            )
        await clock.sleep(0.5)
    if slot is not None and not slot.is_ours:
        raise ProjectError(
            f"the replication slot {name} is of another database or plugin",
            hint="give this project a slot of its own (`slot:`)",
        )
    if slot is not None and slot.is_lost:
        if not may_start_anew:
            raise ProjectError(
                f"the replication slot {name} has lost changes: its log was removed before they were read", hint=ANEW
            )
        with reworded("the lost slot was dropped"):
            await side.execute("SELECT pg_drop_replication_slot(%s)", (name,))
        slot = None
    if slot is not None:
        return None
    if is_resumed and not may_start_anew:
        raise ProjectError(
            f"the replication slot {name} is gone, and with it the changes that were not read", hint=ANEW
        )
    return await _make_slot(side, replication, settings)


async def _make_slot(side: Connection, replication: Connection, settings: PostgresSource) -> Made:
    name = settings.slot
    files = await files_of(side, [full_name(table) for table in settings.tables])
    ((at,),) = await rows(side, "SELECT to_char(clock_timestamp(), 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00')")
    command = sql.SQL("CREATE_REPLICATION_SLOT {} LOGICAL pgoutput EXPORT_SNAPSHOT").format(sql.Identifier(name))
    with reworded("the replication slot was made", grant="ALTER ROLE the_user REPLICATION;"):
        cursor = await replication.execute(command.as_string().encode())
        made = await cursor.fetchone()
    assert made is not None
    return Made(str(made[2]), at, files)


async def refuse_standby(side: Connection) -> None:
    """Refuse a server that only follows another one: it may be promoted in a moment, or be the wrong one.

    Raises:
        UnavailableError: it is one, and changes cannot be read from it.
    """
    with reworded("it was asked whether it is a standby"):
        ((is_standby,),) = await rows(side, "SELECT pg_is_in_recovery()")
    if is_standby and side.info.server_version < STANDBYS_DECODE:
        raise UnavailableError(
            "the database is a standby, and hands out no changes", hint="promote it, or name the primary in `url`"
        )


async def refuse_older_log(side: Connection, acknowledged: Position | None) -> None:
    """Refuse a log that ends before what was read of it: its next changes would be taken for those that are known.

    Raises:
        ProjectError: the database came back from a copy, or a standby took over that lacked changes.
    """
    if acknowledged is None:
        return
    with reworded("it was asked how far its log goes"):
        end = await end_of_log(side)
    if acknowledged.offset > end:
        raise ProjectError(
            "the log of the database ends before changes that were read of it: it was restored from a copy,"
            " or a standby took over that lacked them",
            hint=ANEW,
        )


async def system_of(replication: Connection) -> str:
    """Return which database cluster this is: positions in the log of one mean nothing in another."""
    with reworded("it was asked which one it is"), replication.patiently():
        found = await (await replication.execute(b"IDENTIFY_SYSTEM")).fetchone()
    assert found is not None
    return str(found[0])
