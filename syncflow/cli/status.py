"""``syncflow status``: what the journal knows, in all or of one record."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from syncflow.cli.console import DEFAULT_ROUTES, Output, OutputOption, ProfileOption, say, say_json, say_table

RoutesOption = Annotated[Path, typer.Option("--routes", help="The project's routes file.")]
COUNTED = ("waiting", "sending", "retrying", "delivered", "already_done", "superseded", "dead")


def status(
    record: Annotated[
        str | None, typer.Argument(metavar="[RECORD]", help="A record's id: tells all that became of it.")
    ] = None,
    forget: Annotated[
        bool, typer.Option("--forget", help="Erase the record's data from the journal; systems keep what they have.")
    ] = False,
    routes: RoutesOption = DEFAULT_ROUTES,
    profile: ProfileOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show what became of the events, from the journal; also while a run is going on."""
    from syncflow.runtime import audit

    path = journal_of(routes, profile)
    if forget:
        _forget(path, record)
        return
    if record is None:
        found = audit.totals(path)
        say_json(found) if output is Output.JSON else _totals(found)
        return
    known = audit.record(path, record)
    say_json(known) if output is Output.JSON else _record(known)
    if not (known["events"] or known["deliveries"] or known["presence"]):
        raise typer.Exit(1)


def _forget(path: Path, record: str | None) -> None:
    from syncflow.runtime import wishes

    if record is None:
        raise typer.BadParameter("--forget needs a record: syncflow status RECORD --forget")
    events = wishes.forget(path, record)
    say(f"{events} event{'' if events == 1 else 's'} of the record erased from the journal")
    if not events:
        raise typer.Exit(1)


def journal_of(routes: Path, profile: str | None) -> Path:
    """Return where a project keeps its journal."""
    from syncflow.config.project import load_project

    project = load_project(routes, profile=profile, offline=True)
    return project.path.parent / project.routes.model.journal.path


def moment(seconds: float | None) -> str:
    """Return wall seconds as a person reads them."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ") if seconds else ""


def _totals(found: dict[str, Any]) -> None:
    events = found["events"]
    say(f"events: {sum(events.values())}" + "".join(f", {count} {state}" for state, count in sorted(events.items())))
    routes: dict[str, dict[str, int]] = {}
    for row in found["deliveries"]:
        routes.setdefault(row["route"], {})[row["state"]] = row["count"]
    if routes:
        say()
        headers = ("ROUTE", *(state.replace("_", " ").upper() for state in COUNTED))
        rows = [(route, *(counts.get(state, 0) for state in COUNTED)) for route, counts in sorted(routes.items())]
        say_table(headers, rows, numbers=frozenset(headers[1:]))
    dead = sum(row["count"] for row in found["dead_letters"])
    if dead:
        say()
        say(f"{dead} dead letter{'' if dead == 1 else 's'}; `syncflow dlq list` says why")


def _record(known: dict[str, Any]) -> None:
    if not (known["events"] or known["deliveries"] or known["presence"]):
        say(f"nothing is known of a record {known['record']!r}")
        return
    deliveries = known["deliveries"]
    for event in known["events"]:
        note = f" ({event['note']})" if event["note"] else ""
        say(f"{moment(event['read_at'])}  event {event['seq']}  {event['change'] or 'unread'}  {event['state']}{note}")
        for delivery in deliveries:
            if delivery["event"] == event["seq"]:
                say(f"  {_delivery(delivery)}")
    for row in known["presence"]:
        there = f" as {row['vendor_id']}" if row["vendor_id"] else ""
        say(f"{row['state']} in {row['system']}/{row['object']}{there}, {row['key_name']} = {row['key_value']}")


def _delivery(row: dict[str, Any]) -> str:
    parts = [f"delivery {row['id']}", row["route"], row["operation"], row["state"]]
    if row["superseded_by"]:
        parts.append(f"by delivery {row['superseded_by']}")
    if row["attempts"]:
        parts.append(f"{row['attempts']} attempt{'' if row['attempts'] == 1 else 's'}")
    if row["code"] or row["message"]:
        parts.append(" ".join(str(part) for part in (row["status"], row["code"], row["message"]) if part))
    return "  ".join(parts)
