"""How the schema of a journal is made and brought up to date, and when it is refused: it is another's, newer, or no journal."""

from __future__ import annotations

import os

import psycopg
from psycopg import sql

from syncflow.config.journal_place import PostgresPlace
from syncflow.errors import UnavailableError
from syncflow.runtime.journal.postgres.connecting import Wire, name_of
from syncflow.runtime.journal.postgres.errors import grants
from syncflow.runtime.journal.postgres.schema import MIGRATIONS, script
from syncflow.runtime.observe import note, warn


def version_of(wire: Wire, place: PostgresPlace) -> int:
    """Return the version of the journal in a schema, 0 where there is none yet.

    Raises:
        UnavailableError: the schema holds something else, or the journal of another project or of a newer version.
    """
    name = name_of(place)
    found = wire.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')",
        (place.schema,),
    ).fetchall()
    tables = {row[0] for row in found}
    if not tables:
        return 0
    if not {"journal", "commits", "events", "deliveries"} <= tables:
        raise UnavailableError(
            f"the schema {place.schema} holds tables of something else, not a journal of syncflow",
            hint="name another schema (journal: {schema: …}); this one was not changed",
        )
    row = wire.execute("SELECT project, version FROM journal").fetchone()
    project, version = row if row else ("", 0)
    if version > len(MIGRATIONS):
        raise UnavailableError(
            f"{name} was written by a newer syncflow (its version is {version}, this one knows {len(MIGRATIONS)})",
            hint="upgrade syncflow, or give this run a schema of its own",
        )
    if project != place.project:
        raise UnavailableError(
            f"{name} is that of the project {project}, and this project is {place.project}",
            hint="give this project a schema of its own (journal: {schema: …}); "
            f"if it is the same project under another name, write journal: {{project: {project}}}",
        )
    return int(version)


def bring_up_to_date(wire: Wire, place: PostgresPlace) -> None:
    """Make the tables, or bring them to this version; the caller holds the lock of runs.

    Raises:
        UnavailableError: see ``version_of``; or the user may not make a schema or tables.
    """
    version = version_of(wire, place)
    if version == len(MIGRATIONS):
        return
    schema = sql.Identifier(place.schema)
    try:
        with wire.transaction():
            known = wire.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (place.schema,)).fetchone()
            if not known:
                wire.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
            for number in range(version, len(MIGRATIONS)):
                wire.execute(script(number).encode())
            if not version:
                wire.execute("INSERT INTO journal VALUES (%s, %s)", (place.project, len(MIGRATIONS)))
                wire.execute("INSERT INTO sent_key VALUES (%s)", (os.urandom(32),))
            else:
                wire.execute("UPDATE journal SET version = %s", (len(MIGRATIONS),))
    except psycopg.errors.InsufficientPrivilege:
        user = wire.info.user
        made = f"as a user who may: CREATE SCHEMA {place.schema} AUTHORIZATION {user};"
        raise UnavailableError(
            f"{name_of(place)} cannot be made: its user {user} lacks a right",
            hint=grants(user, place.schema) if known else made,
        ) from None


def keep_durable(wire: Wire, place: PostgresPlace) -> None:
    """Let commits wait for the disk as the project says, and tell where the server does otherwise."""
    before = _setting(wire, "synchronous_commit")
    wanted = "off" if place.sync == "normal" else "on" if before == "off" else before
    if wanted != before:
        wire.execute(f"SET synchronous_commit = {wanted}".encode())
        note("journal.commits", synchronous_commit=wanted, server=before)
    if _setting(wire, "fsync") == "off":
        warn(
            "journal.not_durable",
            reason="the server's fsync is off: a crash of its machine may lose or damage the journal",
        )


def _setting(wire: Wire, name: str) -> str:
    row = wire.execute("SELECT current_setting(%s)", (name,)).fetchone()
    return str(row[0]) if row else ""
