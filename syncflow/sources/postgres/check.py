"""For ``syncflow check``: what the source finds over there, with the SQL that mends what is missing. Nothing is made."""

from __future__ import annotations

from collections.abc import Sequence

from syncflow.config.models.source_postgres import PostgresSource
from syncflow.errors import SyncflowError
from syncflow.sources.base import Finding
from syncflow.sources.postgres.catalog import Missing, missing, missing_for_inserts, read_slot, rows
from syncflow.sources.postgres.errors import reworded
from syncflow.sources.postgres.opening import ANEW, system_of
from syncflow.sources.postgres.wire import Connection, connect


async def check_postgres_source(settings: PostgresSource) -> list[Finding]:
    """Return what is good and what is missing; only what a run makes itself is good without being there."""
    try:
        side = await connect(settings.url)
    except SyncflowError as error:
        return [Finding(error.message, error.hint, is_good=False, is_unreachable=error.code == "SF003")]
    try:
        with reworded("its tables were looked up"):
            found = _findings(await missing(side, settings))
            found.append(await _slot(side, settings))
        return [*found, await _replication(settings), *await _log(side)]
    except SyncflowError as error:
        return [Finding(error.message, error.hint, is_good=False)]
    finally:
        await side.close()


async def check_outbox_changes(settings: PostgresSource, side: Connection, *, table: str) -> list[Finding]:
    """Return what is good and what is missing for reading the inserts of an outbox, whose table is there."""
    with reworded("its publication was looked up"):
        found = _findings(await missing_for_inserts(side, settings.publication, table))
        found.append(await _slot(side, settings))
    return [*found, await _replication(settings), *await _log(side)]


def _findings(found: Sequence[Missing]) -> list[Finding]:
    return [
        Finding(
            f"{each.words}; a run makes it, as the owner of the tables" if each.can_be_made else each.words,
            each.sql,
            is_good=each.can_be_made,
        )
        for each in found
    ]


async def _slot(side: Connection, settings: PostgresSource) -> Finding:
    slot, name = await read_slot(side, settings.slot), settings.slot
    if slot is None:
        return Finding(f"there is no replication slot {name} yet; a run makes it")
    if not slot.is_ours:
        return Finding(
            f"the replication slot {name} is of another database or plugin", "name another `slot:`", is_good=False
        )
    if slot.is_lost:
        return Finding(f"the replication slot {name} has lost changes", ANEW, is_good=False)
    use = "in use" if slot.is_active else "not in use"
    return Finding(f"the replication slot {name} is {use}, and keeps {slot.lag_bytes:,} bytes of the log")


async def _replication(settings: PostgresSource) -> Finding:
    """Find out by connecting: managed servers give this right in ways of their own."""
    try:
        replication = await connect(settings.url, replication=True)
    except SyncflowError as error:
        return Finding(error.message, error.hint, is_good=False)
    try:
        await system_of(replication)
    except SyncflowError as error:
        return Finding(error.message, error.hint, is_good=False)
    finally:
        await replication.close()
    return Finding("the user may replicate")


async def _log(side: Connection) -> list[Finding]:
    ((bound,),) = await rows(side, "SELECT current_setting('max_slot_wal_keep_size')")
    if bound == "-1":
        return [Finding("a slot may keep any amount of the log: `max_slot_wal_keep_size` bounds it")]
    return [Finding(f"a slot may keep {bound} of the log (`max_slot_wal_keep_size`)")]
