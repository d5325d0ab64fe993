"""``syncflow status``: what the journal knows, in all or of one record."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncflow.cli.choosing import MaskOption, YesOption
from syncflow.cli.console import (
    DEFAULT_ROUTES,
    Output,
    OutputOption,
    ProfileOption,
    agreed,
    counted,
    for_programs,
    moment,
    remark,
    say,
    say_json,
    say_table,
    span,
)

if TYPE_CHECKING:
    from syncflow.config.journal_place import Place

RoutesOption = Annotated[Path, typer.Option("--routes", metavar="FILE", help="The project's routes file.")]
COUNTED = ("waiting", "sending", "retrying", "delivered", "already_done", "superseded", "unchanged", "dead")


def status(
    record: Annotated[
        str | None, typer.Argument(metavar="RECORD", help="Id of a record: show everything that happened to it.")
    ] = None,
    mask: MaskOption = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="Erase the record's data from the journal. Systems are not changed.")
    ] = False,
    delete: Annotated[
        bool, typer.Option("--delete", help="With --forget: first delete the record in every system that has it.")
    ] = False,
    yes: YesOption = False,
    routes: RoutesOption = DEFAULT_ROUTES,
    profile: ProfileOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show what happened to all events, or to one record.

    Reads the journal, also during a run. Exits with 1 if nothing is known of the record.
    """
    from syncflow.runtime.desk import audit

    path = journal_of(routes, profile)
    if delete and not forget:
        raise typer.BadParameter("--delete goes with --forget: syncflow status RECORD --forget --delete")
    if forget:
        _forget(path, record, delete=delete, yes=yes)
    elif record is None:
        found = audit.totals(path)
        say_json(for_programs(found)) if output is Output.JSON else _totals(found)
    else:
        _tell(audit.record(path, record), mask=mask, output=output)


def _forget(path: Place, record: str | None, *, delete: bool, yes: bool) -> None:
    from shlex import quote

    from syncflow.runtime.desk import audit, operator_actions

    if record is None:
        raise typer.BadParameter("--forget needs a record: syncflow status RECORD --forget")
    name, kind = audit.name_of_record(path, record)
    present = operator_actions.present(path, name, kind=kind)
    where = ", ".join(f"{system}/{object_}" + (f" as {id_}" if id_ else "") for system, object_, id_ in present)
    if delete and present:
        agreed(f"Delete {record} in {where}?", yes=yes)
        operator_actions.delete(path, name, kind=kind)
        say(f"marked to be deleted in {where}; a run in progress does it within a second, otherwise the next run")
        say(f"then: syncflow status {quote(record)} --forget")
        return
    if present:
        remark(f"warning: the record is still in {where}, and stays there; a later delete of it will not find it")
        remark("hint: --forget --delete deletes it there first")
    agreed(f"Erase the data of {record} from the journal for good?", yes=yes)
    events = operator_actions.forget(path, name, kind=kind)
    say(f"{counted(events, 'event')} of the record erased from the journal")
    if not events:
        raise typer.Exit(1)


def _tell(known: dict[str, Any], *, mask: bool, output: Output) -> None:
    from syncflow.cli.trail import hidden, trail

    shown = hidden(known) if mask else known
    if output is Output.JSON:
        say_json(for_programs(shown))
    else:
        for line in trail(shown):
            say(line)
    if not any(rows for name, rows in known.items() if name != "record"):
        raise typer.Exit(1)


def journal_of(routes: Path, profile: str | None) -> Place:
    """Return where a project keeps its journal; a routes file that is wrong elsewhere gets one line, and stops no look into it."""
    from syncflow.config.journal_place import find_journal
    from syncflow.config.render import render

    place = find_journal(routes, profile=profile)
    if place.errors:
        more = f", and {counted(len(place.errors) - 1, 'further error')}" if len(place.errors) > 1 else ""
        remark(
            f"warning: {render(place.errors[:1], 'concise')}{more}; `syncflow validate` shows all. The journal is {place.path}"
        )
    return place.path


def _totals(found: dict[str, Any]) -> None:
    events = found["events"]
    say(
        f"events: {sum(events.values()):,}" + "".join(f", {count:,} {state}" for state, count in sorted(events.items()))
    )
    if found["last_run"]:
        say(_last_run(found["last_run"], running=found["running"]))
        ending = found["last_run"]["ending"]
        if ending:
            say(_work(ending["counts"]))
            for system, why in sorted(ending["systems"].items()):
                say(f"it stopped {system}: {why}")
        if found["last_run"]["run"]:
            say(_named(found["last_run"]))
    _workers(found["workers"], now=time.time())
    if found["last_reload"]:
        say(_last_reload(found["last_reload"]))
    if found["source_requests"]:
        say(_source_requests(found["source_requests"]))
    for title in ("route", "system"):
        if found["deliveries"]:
            say()
            _counts(title, found["deliveries"])
    for name, show in (("source_lags", _lags), ("queues", _queues), ("referring", _referring), ("jobs", _jobs)):
        if found[name]:
            say()
            show(found[name], now=time.time())
    if found["pauses"] or found["standings"]:
        say()
        _pauses(found["pauses"])
        _standings(found["standings"])
    _closing(found)


def _counts(title: str, deliveries: list[dict[str, Any]]) -> None:
    """Print a line for each route or system, with its deliveries by state."""
    named: dict[str, dict[str, int]] = {}
    for row in deliveries:
        counts = named.setdefault(row[title], {})
        counts[row["state"]] = counts.get(row["state"], 0) + row["count"]
    headers = (title.upper(), *(state.replace("_", " ").upper() for state in COUNTED))
    rows = [(name, *(f"{counts.get(state, 0):,}" for state in COUNTED)) for name, counts in sorted(named.items())]
    say_table(headers, rows, numbers=frozenset(headers[1:]))


def _workers(workers: list[dict[str, Any]], *, now: float) -> None:
    """Print who shares the journal: what each worker holds, or why it holds nothing; nothing where one run has it for itself."""
    if not workers:
        return
    rows = [
        (row["id"], row["name"].partition(",")[0], span(max(0.0, now - row["since"])), _holds(row)) for row in workers
    ]
    say()
    say_table(("WORKER", "PROCESS", "SINCE", "HOLDS"), rows, numbers=frozenset({"WORKER"}))
    say()


def _holds(worker: dict[str, Any]) -> str:
    shares = [share.removeprefix("system ") for share in worker["holds"]]
    held = ", ".join(sorted(shares, key=lambda share: (share != "reading", share))) or "nothing"
    if worker["silent"] is not None:
        return f"{held}; silent, its claims ended {span(worker['silent'])} ago"
    return f"{held}; it waits: {worker['waits']}" if worker["waits"] else held


def _queues(queues: list[dict[str, Any]], *, now: float) -> None:
    headers = ("QUEUE OF", "OPEN", "OLDEST READ", "NEXT TRY")
    rows = [
        (
            row["system"],
            row["waiting"] + row["sending"] + row["retrying"],
            f"{span(now - row['oldest_at'])} ago",
            "" if row["next_try_at"] is None else _when(row["next_try_at"] - now),
        )
        for row in queues
    ]
    say_table(headers, rows, numbers=frozenset({"OPEN"}))


def _last_run(run: dict[str, Any], *, running: str) -> str:
    started = moment(run["started_at"])
    if run["ended_at"] is None and running:
        return f"running since {started} ({running.partition(',')[0]})"
    if run["ended_at"] is None:
        return f"last run: since {started}, killed: it noted no end; the next run goes on where the journal ends"
    return f"last run: {started} to {moment(run['ended_at'])}, {_how(run)}"


def _named(run: dict[str, Any]) -> str:
    """Say what the run is called in the log, on /metrics and in exports."""
    return f"its name: {run['run']} (worker {run['worker']})"


def _how(run: dict[str, Any]) -> str:
    """Say how a run ended, and why before its work was done."""
    ending = run["ending"] or {"how": "done" if run["finished"] else "error", "reason": ""}
    if ending["how"] == "done":
        return "ended in order"
    said = "stopped" if ending["how"] == "stopped" else "ended with an error"
    return f"{said}: {_why(ending['reason'])}" if ending["reason"] else said


def _why(reason: str) -> str:
    return f"by {reason}" if reason in {"SIGINT", "SIGTERM"} else reason


def _work(counts: dict[str, int]) -> str:
    """Say what the last run did, without what did not happen."""
    said = [f"{counts['read']:,} read", f"{counts['delivered']:,} delivered"]
    said += [
        f"{counts[name]:,} {name}" for name in ("ignored", "repeated", "superseded", "unchanged") if counts.get(name)
    ]
    if counts["dead_letters"]:
        said.append(counted(counts["dead_letters"], "dead letter"))
    if counts["open"]:
        said.append(f"{counted(counts['open'], 'delivery', 'deliveries')} left")
    return f"it did: {', '.join(said)}"


def _referring(referring: list[dict[str, Any]], *, now: float) -> None:
    """Print who waits for whom: records that are not in the system yet, and whether a delivery of them is open."""
    headers = ("WAITS FOR OTHERS", "ROUTE", "READ", "RECORDS THAT ARE NOT THERE YET")
    rows = [
        (
            f"{row['kind']} {row['record']}",
            row["route"],
            f"{span(now - row['since'])} ago",
            ", ".join(
                f"{each['kind']} {each['record']}{' (comes)' if each['comes'] else ''}" for each in row["wanted"]
            ),
        )
        for row in referring
    ]
    say_table(headers, rows)


def _jobs(jobs: list[dict[str, Any]], *, now: float) -> None:
    """Print a line for each open job: what it carries, what it is about, since when, and what it is called over there."""
    headers = ("OPEN JOB", "RECORDS", "STAGE", "BEGUN", "ITS ID THERE")
    rows = [
        (
            f"{job['operation']} {job['system']}/{job['object']}",
            f"{job['records']:,}",
            job["stage"],
            f"{span(now - job['begun_at'])} ago",
            job["vendor_id"],
        )
        for job in jobs
    ]
    say_table(headers, rows, numbers=frozenset({"RECORDS"}))


def _pauses(found: list[dict[str, Any]]) -> None:
    """Say what people paused, and what ends it."""
    for row in found:
        why = f": {row['why']}" if row["why"] else ""
        call = row["name"] if row["what"] == "system" else f"--route {row['name']}"
        say(
            f"{row['what']} {row['name']} is paused by {row['by']} since {moment(row['at'])}{why}; `syncflow resume {call}`"
        )


def _standings(found: list[dict[str, Any]]) -> None:
    """Say which systems send nothing now, why, until when, and by whose word."""
    for row in found:
        until = f" until {moment(row['until'])}" if row["until"] else ""
        by = f" (by {row['by']})" if row["by"] else ""
        why = f": {row['reason']}" if row["reason"] else ""
        say(
            f"{row['system']} {'is ' if row['state'] == 'parked' else ''}{row['state']}{until}, since {moment(row['since'])}{why}{by}"
        )


def _last_reload(reload: dict[str, Any]) -> str:
    from syncflow.runtime.reloaded import LastReload

    return f"{LastReload(**reload).line()} ({moment(reload['at'])})"


def _source_requests(counts: dict[str, int]) -> str:
    from syncflow.runtime.observe import ANSWERED

    refused = [f"{outcome} {count:,}" for outcome, count in counts.items() if outcome not in ANSWERED]
    told = f"requests to the webhook: {counts.get('accepted', 0):,} accepted"
    return f"{told}; refused: {', '.join(refused)}" if refused else told


def _lags(lags: list[dict[str, Any]], *, now: float) -> None:
    headers = ("SOURCE", "EVENTS BEHIND", "BYTES BEHIND", "SECONDS BEHIND", "READS NEXT")
    rows = [
        (
            row["partition"],
            *("" if row[unit] is None else f"{row[unit]:,.0f}" for unit in ("events", "bytes", "seconds")),
            "" if row["next_at"] is None else moment(row["next_at"]),
        )
        for row in lags
    ]
    told = [place for place in range(len(headers)) if not place or any(row[place] for row in rows)]
    say_table(
        [headers[place] for place in told],
        [tuple(row[place] for place in told) for row in rows],
        numbers=frozenset(headers[1:4]),
    )
    say(f"as of {span(now - lags[0]['at'])} ago")


def _closing(found: dict[str, Any]) -> None:
    dead = sum(row["count"] for row in found["dead_letters"])
    if dead or found["marked"] or found["set_aside"] or found["unreadable"]:
        say()
    if dead:
        _letters(found["dead_letters"])
        say(f"{counted(dead, 'dead letter')}; `syncflow dlq list --reasons` says why")
    if found["marked"]:
        say(f"{found['marked']:,} marked to be sent again, by a run that is going on or the next one")
    for row in found["unreadable"]:
        say(f"{counted(row['count'], 'value')} of {row['route']}: {row['field']} could not be read (unreadable)")
    for row in found["set_aside"]:
        say(f"{row['count']:,} marked to be sent again, and set aside: {row['reason']}")


def _letters(found: list[dict[str, Any]]) -> None:
    """Print the open dead letters by stage, route and code, the most frequent first."""
    rows = [
        (row["code"], row["stage"], row["route"] or "", row["count"])
        for row in sorted(found, key=lambda row: (-row["count"], row["code"], row["route"] or ""))
    ]
    say_table(("DEAD BECAUSE OF", "STAGE", "ROUTE", "COUNT"), rows, numbers=frozenset({"COUNT"}))


def _when(seconds: float) -> str:
    return "due" if seconds <= 0 else f"in {span(seconds)}"
