"""``syncflow dlq``: what was given up, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncflow.cli.console import DEFAULT_ROUTES, Output, OutputOption, ProfileOption, say, say_json, say_table
from syncflow.cli.status import RoutesOption, journal_of, moment

if TYPE_CHECKING:
    from syncflow.runtime.wishes import Letters

app = typer.Typer(help="Dead letters: events and deliveries that were given up, with the reason.", no_args_is_help=True)


@app.command("list")
def list_(
    routes: RoutesOption = DEFAULT_ROUTES,
    profile: ProfileOption = None,
    limit: Annotated[int, typer.Option(help="Show at most so many, the newest first.", min=1)] = 50,
    output: OutputOption = Output.TEXT,
) -> None:
    """List dead letters, after their reasons by frequency."""
    from syncflow.runtime import audit

    path = journal_of(routes, profile)
    grouped, letters = audit.reasons(path), audit.dead_letters(path, most=limit)
    if output is Output.JSON:
        say_json({"reasons": grouped, "dead_letters": letters})
        return
    if not letters:
        say("no dead letters")
        return
    say_table(
        ("COUNT", "STAGE", "ROUTE", "CODE", "REASON"),
        [(row["count"], row["stage"], row["route"], row["code"], row["example"]) for row in grouped],
        numbers=frozenset({"COUNT"}),
    )
    say()
    say_table(
        ("ID", "WHEN", "RECORD", "STAGE", "CODE", "PLACE"),
        [
            (
                row["id"],
                moment(row["at"]),
                f"{row['kind'] or ''} {row['record'] or ''}",
                row["stage"],
                row["code"],
                _place(row),
            )
            for row in letters
        ],
        numbers=frozenset({"ID"}),
    )


@app.command("show")
def show(
    number: Annotated[int, typer.Argument(metavar="ID", help="As `syncflow dlq list` shows it.")],
    routes: RoutesOption = DEFAULT_ROUTES,
    profile: ProfileOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show one dead letter whole: the event as it came, what was sent, and the answer."""
    from syncflow.runtime import audit

    letter = audit.dead_letter(journal_of(routes, profile), number)
    if output is Output.JSON:
        say_json(letter)
        return
    for name, value in _lines(letter):
        say(f"{name:<9}{value}")


Ids = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="These; or all that fit the options.")]
RouteFilter = Annotated[str, typer.Option("--route", help="Only of this route.")]
SystemFilter = Annotated[str, typer.Option("--system", help="Only of this system.")]
StageFilter = Annotated[
    str, typer.Option("--stage", help="Only of this stage: source, schema, route, mapping, delivery.")
]
CodeFilter = Annotated[str, typer.Option("--code", help="Only with this code.")]
RecordFilter = Annotated[str, typer.Option("--record", help="Only of this record.")]
AllOption = Annotated[bool, typer.Option("--all", help="All of them.")]


@app.command("redrive")
def redrive(
    ids: Ids = None,
    everything: AllOption = False,
    route: RouteFilter = "",
    system: SystemFilter = "",
    stage: StageFilter = "",
    code: CodeFilter = "",
    record: RecordFilter = "",
    remap: Annotated[
        bool, typer.Option("--remap", help="Through the files of today, not as they were first sent.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many.")] = False,
    routes: RoutesOption = DEFAULT_ROUTES,
    profile: ProfileOption = None,
) -> None:
    """Send dead letters again: a running run takes them up at once, else the next one does."""
    from syncflow.runtime import wishes

    path = journal_of(routes, profile)
    letters = _chosen(ids, everything=everything, route=route, system=system, stage=stage, code=code, record=record)
    if dry_run:
        say(f"{_many(wishes.count(path, letters))} would be sent again")
        return
    _report(wishes.redrive(path, letters, how="remap" if remap else "as_sent"), "will be sent again")


@app.command("drop")
def drop(
    ids: Ids = None,
    everything: AllOption = False,
    route: RouteFilter = "",
    system: SystemFilter = "",
    stage: StageFilter = "",
    code: CodeFilter = "",
    record: RecordFilter = "",
    routes: RoutesOption = DEFAULT_ROUTES,
    profile: ProfileOption = None,
) -> None:
    """Settle dead letters for good: they will not be sent. They stay in the journal, as dropped."""
    from syncflow.runtime import wishes

    path = journal_of(routes, profile)
    letters = _chosen(ids, everything=everything, route=route, system=system, stage=stage, code=code, record=record)
    _report(wishes.drop(path, letters), "dropped")


@app.command("export")
def export(
    ids: Ids = None,
    route: RouteFilter = "",
    system: SystemFilter = "",
    stage: StageFilter = "",
    code: CodeFilter = "",
    record: RecordFilter = "",
    routes: RoutesOption = DEFAULT_ROUTES,
    profile: ProfileOption = None,
) -> None:
    """Print dead letters with their events, one JSON object a line: personal data."""
    import json

    from syncflow.runtime import wishes

    path = journal_of(routes, profile)
    letters = _chosen(ids, everything=True, route=route, system=system, stage=stage, code=code, record=record)
    for letter in wishes.export(path, letters):
        say(json.dumps(letter, ensure_ascii=False))


def _chosen(
    ids: list[int] | None, *, everything: bool, route: str, system: str, stage: str, code: str, record: str
) -> Letters:
    """Return which dead letters are meant; a command that changes some wants to be told which."""
    from syncflow.runtime.wishes import Letters

    if not (ids or everything or route or system or stage or code or record):
        raise typer.BadParameter("say which: ids, an option such as --route or --code, or --all")
    return Letters(ids=tuple(ids or ()), route=route, system=system, stage=stage, code=code, record=record)


def _report(count: int, what: str) -> None:
    """Say how many; that none fits is not success."""
    say(f"{_many(count)} {what}")
    if not count:
        raise typer.Exit(1)


def _many(count: int) -> str:
    return f"{count:,} dead letter{'' if count == 1 else 's'}"


def _place(row: dict[str, Any]) -> str:
    return f"line {row['line']}" if row["line"] else f"{row['partition']} @ {row['offset']}"


def _lines(letter: dict[str, Any]) -> list[tuple[str, object]]:
    record = " ".join(str(part) for part in (letter["kind"], letter["record"], letter["change"]) if part)
    lines = [
        ("when", moment(letter["at"])),
        ("where", " ".join(part for part in (letter["stage"], letter["route"], letter["system"]) if part)),
        ("why", f"{letter['code']}: {letter['reason']}"),
        ("place", _place(letter)),
        ("record", record),
        ("attempts", letter["attempts"] or ""),
        ("status", letter["status"] or ""),
        ("rule", letter["rule"]),
        ("event", letter["raw"]),
        ("payload", letter["payload"]),
        ("answer", letter["body"]),
    ]
    return [(name, value) for name, value in lines if value not in {None, ""}]
