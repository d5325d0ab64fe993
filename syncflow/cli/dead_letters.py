"""``syncflow dlq``: what was given up, and why."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from syncflow.cli.console import DEFAULT_ROUTES, Output, OutputOption, ProfileOption, say, say_json, say_table
from syncflow.cli.status import RoutesOption, journal_of, moment

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
