"""``syncflow dlq``: what was given up and why, and what is to become of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncflow.cli.choosing import (
    AllOption,
    CodeFilter,
    Ids,
    MaskOption,
    RecordFilter,
    RouteFilter,
    SinceFilter,
    StageFilter,
    SystemFilter,
    UntilFilter,
    YesOption,
    chosen,
    chosen_at_all,
)
from syncflow.cli.console import (
    DEFAULT_ROUTES,
    Output,
    OutputOption,
    ProfileOption,
    agreed,
    counted,
    for_programs,
    json_line,
    moment,
    remark,
    say,
    say_block,
    say_json,
    say_table,
)
from syncflow.cli.status import RoutesOption, journal_of
from syncflow.cli.trail import place_of
from syncflow.runtime.desk.masking import masked_row

if TYPE_CHECKING:
    from syncflow.config.journal_place import Place
    from syncflow.runtime.desk.letters import Letters

app = typer.Typer(help="Dead letters: events and deliveries that failed for good.", no_args_is_help=True)

PERSONAL = ("raw", "payload", "body", "reason")
LimitOption = Annotated[int, typer.Option(help="Show at most N, newest first.", metavar="N", min=1)]
TAKEN_UP = "a run in progress sends them within a second, otherwise the next run does"


@app.command("list")
def list_(
    route: RouteFilter = "",
    system: SystemFilter = "",
    stage: StageFilter = "",
    code: CodeFilter = "",
    record: RecordFilter = "",
    since: SinceFilter = None,
    until: UntilFilter = None,
    reasons: Annotated[bool, typer.Option("--reasons", help="Group by reason, most frequent first.")] = False,
    limit: LimitOption = 50,
    routes: RoutesOption = DEFAULT_ROUTES,
    profile: ProfileOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """List dead letters and why they failed.

    Shows no data of records. Exits with 1 if there are none.
    """
    from syncflow.runtime.desk import audit

    path = journal_of(routes, profile)
    letters = chosen(route=route, system=system, stage=stage, code=code, record=record, since=since, until=until)
    count = audit.count(path, letters)
    found = audit.reasons(path, letters) if reasons else audit.dead_letters(path, letters, most=limit)
    if output is Output.JSON:
        say_json({"count": count, "reasons" if reasons else "dead_letters": for_programs(found)})
    elif not found:
        say(_nothing(path, letters))
    elif reasons:
        _show_reasons(found)
    else:
        _show_letters(found, count)
    if not found:
        raise typer.Exit(1)


@app.command("show")
def show(
    number: Annotated[int, typer.Argument(metavar="ID", help="Id of the dead letter, from `syncflow dlq list`.")],
    mask: MaskOption = False,
    routes: RoutesOption = DEFAULT_ROUTES,
    profile: ProfileOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show one dead letter in full.

    Shows the event as it was read, the payload, every attempt and the answer. Contains personal data, except with --mask.
    """
    from syncflow.runtime.desk import audit

    letter = audit.dead_letter(journal_of(routes, profile), number)
    if mask:
        letter = masked_row(letter, *(PERSONAL if letter["stage"] == "delivery" else PERSONAL[:-1]))
        letter["tries"] = [masked_row(row, "message") for row in letter["tries"]]
    if output is Output.JSON:
        say_json(for_programs(letter))
        return
    for name, value in _lines(letter):
        say(f"{name:<9}{value}")


@app.command("redrive")
def redrive(
    ids: Ids = None,
    everything: AllOption = False,
    route: RouteFilter = "",
    system: SystemFilter = "",
    stage: StageFilter = "",
    code: CodeFilter = "",
    record: RecordFilter = "",
    since: SinceFilter = None,
    until: UntilFilter = None,
    remap: Annotated[
        bool,
        typer.Option("--remap", help="Map deliveries again with the current files."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show which dead letters would be sent, and send nothing.")
    ] = False,
    yes: YesOption = False,
    routes: RoutesOption = DEFAULT_ROUTES,
    profile: ProfileOption = None,
) -> None:
    """Send dead letters again.

    Deliveries are sent with their original payload, or with --remap mapped again. Events that never became deliveries are always
    mapped with the current files. A run in progress sends them within a second, otherwise the next run does.
    """
    from syncflow.runtime.desk import audit, operator_actions

    path = journal_of(routes, profile)
    letters = chosen(ids, route=route, system=system, stage=stage, code=code, record=record, since=since, until=until)
    count = _count(path, letters, everything=everything)
    if dry_run:
        _show_how(audit.dead_letters(path, letters, most=50), count, remap=remap)
        return
    if everything and letters == chosen():
        agreed(f"Send all {_many(count)} again?", yes=yes)
    marked = operator_actions.redrive(path, letters, how="remap" if remap else "as_sent")
    again = f" ({count - marked} had been marked already)" if marked < count else ""
    say(f"{_many(marked)} marked to be sent again{again}; {TAKEN_UP}")


@app.command("drop")
def drop(
    ids: Ids = None,
    everything: AllOption = False,
    route: RouteFilter = "",
    system: SystemFilter = "",
    stage: StageFilter = "",
    code: CodeFilter = "",
    record: RecordFilter = "",
    since: SinceFilter = None,
    until: UntilFilter = None,
    yes: YesOption = False,
    routes: RoutesOption = DEFAULT_ROUTES,
    profile: ProfileOption = None,
) -> None:
    """Discard dead letters: they will never be sent.

    They stay in the journal, marked as dropped.
    """
    from syncflow.runtime.desk import operator_actions

    path = journal_of(routes, profile)
    letters = chosen(ids, route=route, system=system, stage=stage, code=code, record=record, since=since, until=until)
    count = _count(path, letters, everything=everything)
    agreed(f"Drop {_many(count)} for good?", yes=yes)
    say(f"{_many(operator_actions.drop(path, letters))} dropped")


@app.command("export")
def export(
    ids: Ids = None,
    route: RouteFilter = "",
    system: SystemFilter = "",
    stage: StageFilter = "",
    code: CodeFilter = "",
    record: RecordFilter = "",
    since: SinceFilter = None,
    until: UntilFilter = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-o", metavar="FILE", help="Write to this file, readable only by you. Default: print."),
    ] = None,
    routes: RoutesOption = DEFAULT_ROUTES,
    profile: ProfileOption = None,
) -> None:
    """Write dead letters in full, one JSON object per line.

    Contains personal data: events and payloads. Exits with 1 if no dead letter matches.
    """
    from syncflow.runtime.desk import operator_actions

    path = journal_of(routes, profile)
    letters = chosen(ids, route=route, system=system, stage=stage, code=code, record=record, since=since, until=until)
    _count(path, letters, everything=True)
    lines = (json_line(for_programs(dict(letter))) for letter in operator_actions.export(path, letters))
    if file is None:
        for line in lines:
            say_block(line)
    else:
        remark(f"{_many(_write(file, lines))} written to {file}")


def _nothing(path: Place, letters: Letters) -> str:
    """Say that there is none, or that those there are do not match."""
    from syncflow.runtime.desk import audit

    every = audit.count(path, chosen()) if letters != chosen() else 0
    return f"no dead letter matches; {every:,} {'is' if every == 1 else 'are'} open" if every else "no dead letters"


def _write(file: Path, lines: Iterable[str]) -> int:
    """Write lines to a file that only its owner can read; return how many."""
    from syncflow.errors import UnavailableError
    from syncflow.private_files import open_private

    count = 0
    try:
        with os.fdopen(open_private(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w", encoding="utf-8") as out:
            for line in lines:
                count += out.write(line + "\n") > 0
    except OSError as error:
        raise UnavailableError(f"cannot write {file}: {error.strerror}") from error
    return count


def _count(path: Place, letters: Letters, *, everything: bool) -> int:
    """Return how many are meant; that none fits is not success."""
    from syncflow.runtime.desk import audit

    if not chosen_at_all(letters, everything=everything):
        raise typer.BadParameter("say which: ids, an option such as --route or --code, or --all")
    count = audit.count(path, letters)
    if not count:
        say("no dead letter matches")
        raise typer.Exit(1)
    return count


def _show_reasons(found: list[dict[str, Any]]) -> None:
    say_table(
        ("COUNT", "STAGE", "ROUTE", "CODE", "STATUS", "WHY", "RULE", "FOR EXAMPLE"),
        [
            (
                row["count"],
                row["stage"],
                row["route"],
                row["code"],
                row["status"] or "",
                why_in_our_words(row),
                row["rule"] or "",
                row["example"],
            )
            for row in found
        ],
        numbers=frozenset({"COUNT", "FOR EXAMPLE"}),
        optional=("RULE", "STAGE", "STATUS"),
    )


def _show_letters(found: list[dict[str, Any]], count: int) -> None:
    say_table(
        ("ID", "WHEN", "RECORD", "STAGE", "ROUTE", "CODE", "WHY", "PLACE"),
        [
            (
                row["id"],
                moment(row["at"]),
                _record(row),
                row["stage"],
                row["route"],
                row["code"],
                _why(row),
                place_of(row),
            )
            for row in found
        ],
        numbers=frozenset({"ID"}),
        optional=("PLACE", "WHEN"),
    )
    if len(found) < count:
        say(f"… and {count - len(found):,} older; --limit shows more, --reasons groups them")


def _show_how(found: list[dict[str, Any]], count: int, *, remap: bool) -> None:
    say_table(
        ("ID", "RECORD", "ROUTE", "CODE", "HOW"),
        [
            (
                row["id"],
                _record(row),
                row["route"],
                row["code"],
                "as first sent" if row["delivery"] and not remap else "through the files of today",
            )
            for row in found
        ],
        numbers=frozenset({"ID"}),
    )
    say(f"{_many(count)} would be sent again")


def _many(count: int) -> str:
    return counted(count, "dead letter")


def _record(row: Mapping[str, Any]) -> str:
    return " ".join(str(part) for part in (row["kind"], row["record"]) if part)


def _why(row: Mapping[str, Any]) -> str:
    why = why_in_our_words(row)
    return f"{why}; not sent again: {row['set_aside']}" if row["set_aside"] else why


def why_in_our_words(row: Mapping[str, Any]) -> str:
    """Say in our words why; a vendor's words, which may hold personal data, are shown with one letter only."""
    if row["reason"]:
        return str(row["reason"])
    system = row["system"] or "the system"
    if not row["status"]:
        return f"not delivered to {system}"
    if row["status"] < 400:
        return f"{system} took the request (status {row['status']}), but not this record"
    return f"{system} {'failed' if row['status'] >= 500 else 'refused it'} (status {row['status']})"


def _lines(letter: dict[str, Any]) -> Iterable[tuple[str, object]]:
    lines = [
        ("when", moment(letter["at"])),
        ("state", letter["state"]),
        ("where", " ".join(part for part in (letter["stage"], letter["route"], letter["system"]) if part)),
        ("why", f"{letter['code']}: {letter['reason']}"),
        ("redrive", letter["set_aside"] and f"set aside: {letter['set_aside']}"),
        ("place", place_of(letter)),
        ("record", " ".join(part for part in (_record(letter), letter["change"]) if part)),
        ("attempts", letter["attempts"]),
        ("status", letter["status"]),
        ("rule", letter["rule"]),
        ("batch", letter["batch_id"]),
        ("program", (letter["fingerprint"] or "")[:12]),
        *(("try", _try(row)) for row in letter["tries"]),
        ("size", _size(letter)),
        ("event", letter["raw"]),
        ("payload", letter["payload"]),
        ("answer", letter["body"]),
    ]
    return [(name, value) for name, value in lines if value]


def _size(letter: Mapping[str, Any]) -> str:
    """Of an event that was not kept whole: how long it was, how to know it again, and how much of it is kept."""
    if not letter["length"]:
        return ""
    kept = f"; its first {len(letter['raw'].encode()):,} are kept" if letter["length"] > len(letter["raw"]) else ""
    return f"{letter['length']:,} bytes, sha256 {letter['sha256']}{kept}"


def _try(row: Mapping[str, Any]) -> str:
    times = f", {row['times']} times until {moment(row['at'])}" if row["times"] > 1 else ""
    return (
        " ".join(str(part) for part in (moment(row["first_at"]), row["status"], row["code"], row["message"]) if part)
        + times
    )
