"""``syncflow docs``: the reference at the terminal and as pages, and ``syncflow docs build``: a site of a project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncflow.cli import completion
from syncflow.cli.console import (
    DEFAULT_ROUTES,
    Output,
    OutputOption,
    ProfileOption,
    say,
    say_block,
    say_json,
    say_table,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncflow.cli.reference.entry import Entry


def docs(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="A key of a file (on_leave, systems.NAME.limits), a function, a code, a metric, a command or an adapter; "
            "or build: make a site of the project. Default: list all.",
            autocompletion=completion.documented,
        ),
    ] = None,
    routes: Annotated[
        Path | None,
        typer.Argument(metavar="ROUTES", help="With build: the project's routes file. Default: routes.yaml"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="With build: the folder of the site. Default: site")
    ] = None,
    counts: Annotated[
        bool,
        typer.Option("--counts", help="With build: show what became of each route's deliveries, from the journal."),
    ] = False,
    profile: ProfileOption = None,
    write: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the whole reference into this folder as Markdown pages.")
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Describe a key, code or command; build the project's site.

    `syncflow docs build` writes pages that show what is read, how it becomes what is sent, and where each value goes.
    """
    from syncflow.cli.reference.entries import all_entries

    if name == "build":
        _build(routes or DEFAULT_ROUTES, out or Path("site"), counts=counts, profile=profile)
        return
    if routes is not None or out is not None or counts:
        raise typer.BadParameter("ROUTES, --out and --counts go with build: syncflow docs build")

    root = context.find_root().command
    if write is not None:
        _write(root, write)
        return
    entries = all_entries(root)
    shown = entries if name is None else _named(entries, name)
    if output is Output.JSON:
        say_json({"entries": [_row(entry) for entry in shown]})
    elif name is None:
        say_table(("KIND", "NAME", "MEANING"), [(_kind(entry), entry.name, entry.summary) for entry in shown])
    else:
        _say_entries(shown)


def _build(routes: Path, out: Path, *, counts: bool, profile: str | None) -> None:
    from syncflow.compiler.problems import check
    from syncflow.config.project import load_project
    from syncflow.errors import ProjectError
    from syncflow.site.facts import facts_of
    from syncflow.site.pages import write_site

    project = load_project(routes, profile=profile, offline=True)
    errors = [problem for problem in check(project) if problem.is_error]
    if errors:
        raise ProjectError("the project has errors, so that its pages would not tell the truth", diagnostics=errors)
    facts = facts_of(project, counts=_counts(routes, profile) if counts else None)
    number = write_site(facts, out, secrets=project.secrets)
    say(f"wrote {number} pages into {out}: open {out / 'index.html'}")


def _counts(routes: Path, profile: str | None) -> dict[str, dict[str, int]]:
    from syncflow.cli.status import journal_of
    from syncflow.runtime.desk import audit

    found: dict[str, dict[str, int]] = {}
    for row in audit.totals(journal_of(routes, profile))["deliveries"]:
        states = found.setdefault(row["route"], {})
        states[row["state"]] = states.get(row["state"], 0) + row["count"]
    return found


def _named(entries: Sequence[Entry], name: str) -> list[Entry]:
    from syncflow.cli.reference.entry import found
    from syncflow.config.diagnostics import did_you_mean
    from syncflow.errors import DataError

    shown = found(entries, name)
    if not shown:
        known = [
            part for entry in entries for part in (entry.name, entry.name.split(".")[-1].removeprefix("syncflow "))
        ]
        close = did_you_mean(name, list(dict.fromkeys(known)))
        raise DataError(
            f"nothing is called {name!r}",
            hint=f"did you mean {close!r}?" if close else "`syncflow docs` lists all names",
        )
    return shown


def _say_entries(shown: Sequence[Entry]) -> None:
    for number, entry in enumerate(shown):
        if number:
            say()
        say(f"{entry.name} ({_kind(entry)})")
        say()
        say_block(entry.text)


def _kind(entry: Entry) -> str:
    return f"key of {entry.file}" if entry.file else entry.kind.value


def _row(entry: Entry) -> dict[str, str]:
    return {
        "kind": entry.kind.value,
        "file": entry.file,
        "name": entry.name,
        "summary": entry.summary,
        "text": entry.text,
    }


def _write(root: object, folder: Path) -> None:
    from syncflow.cli.reference.pages import pages
    from syncflow.errors import ProjectError

    written = pages(root)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in written.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, "utf-8")
    except OSError as error:
        raise ProjectError(f"cannot write {error.filename}: {error.strerror}") from error
    say(f"wrote {len(written)} pages into {folder}")
