"""``syncflow replay``: send journaled records again, as today's files make them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncflow.cli.choosing import MaskOption, RecordFilter, RouteFilter, SinceFilter, UntilFilter, YesOption
from syncflow.cli.console import DEFAULT_ROUTES, Output, OutputOption, ProfileOption, agreed, complain, say, say_json
from syncflow.cli.dead_letters import TAKEN_UP
from syncflow.cli.status import RoutesOption
from syncflow.runtime.desk.masking import HIDDEN

if TYPE_CHECKING:
    from syncflow.config.journal_place import Place
    from syncflow.config.project import Project
    from syncflow.runtime.desk.replay import Change, Difference


def replay(
    record: RecordFilter = "",
    route: RouteFilter = "",
    since: SinceFilter = None,
    until: UntilFilter = None,
    limit: Annotated[
        int, typer.Option(help="Show at most N records that differ; all are sent.", metavar="N", min=1)
    ] = 20,
    mask: MaskOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the differences and send nothing.")] = False,
    yes: YesOption = False,
    routes: RoutesOption = DEFAULT_ROUTES,
    profile: ProfileOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Send records again, mapped with the current files.

    For each record with a matching event, the newest version in the journal is sent. First shows the differences from the payloads
    sent before, and asks for confirmation. Deleted records stay deleted. Without options, all records in the journal are selected.
    """
    from syncflow.config.journal_place import place_of
    from syncflow.config.project import load_project
    from syncflow.runtime.desk import operator_actions

    project = load_project(routes, profile=profile, offline=True)
    path = place_of(project.routes.model.journal, project.path)
    changes = _changes(project, path, record=record, route=route, since=since, until=until)
    events = list(dict.fromkeys(change.event for change in changes))
    if not events:
        _complain_of_nothing(path, record=record, route=route, since=since, until=until)
    if output is Output.JSON:
        say_json({"records": len(events), "changes": [_as_json(change, mask=mask) for change in changes]})
    else:
        _show(changes, records=len(events), limit=limit, mask=mask)
    if not events:
        raise typer.Exit(1)
    if dry_run:
        return
    agreed(f"Send {_many(len(events), 'record')} again?", yes=yes)
    marked = operator_actions.replay(path, events, route=route)
    if output is Output.TEXT:
        say(f"{_many(marked, 'record')} marked to be sent again; {TAKEN_UP}")


def _changes(
    project: Project, path: Place, *, record: str, route: str, since: float | None, until: float | None
) -> list[Change]:
    from syncflow.compiler.build import build
    from syncflow.runtime.desk.replay import preview
    from syncflow.runtime.desk.replayable import events_before, replayable

    program = build(project)
    if route and route not in program.routes:
        now = next((name for name, plan in program.routes.items() if route in plan.was), "")
        known = f"it is called {now} now" if now else f"the routes are {', '.join(program.routes)}"
        raise typer.BadParameter(f"there is no route {route}; {known}", param_hint="--route")
    rows = replayable(path, record=record, since=since, until=until)
    return list(preview(program, rows, route=route, earlier=partial(events_before, path)))


def _complain_of_nothing(path: Place, *, record: str, route: str, since: float | None, until: float | None) -> None:
    """Say why nothing can be sent again."""
    from syncflow.errors import DataError
    from syncflow.runtime.desk.replayable import replayable, why_not_replayable

    there = replayable(path, record=record, since=since, until=until)
    if there:
        which = f"{there[0].kind} {there[0].record}" if record else "any of " + _many(len(there), "matching record")
        hint = "without --route the same command shows what becomes of them"
        complain(DataError(f"the route {route} does not take {which}", hint=hint))
    elif record:
        complain(why_not_replayable(path, record, since=since, until=until))
    else:
        within = " that was read in that time" if since is not None or until is not None else ""
        complain(DataError(f"the journal holds no record{within} that was sent, or it was deleted since"))


def _show(changes: list[Change], *, records: int, limit: int, mask: bool) -> None:
    from syncflow.runtime.desk.replay import differences

    if not records:
        return
    different = [change for change in changes if change.after is None or differences(change)]
    for change in different[:limit]:
        for line in _lines(change, mask=mask):
            say(line)
    if len(different) > limit:
        say(f"… and {len(different) - limit:,} more (--limit)")
    if different:
        say()
    say(_summary(changes, records))


def _lines(change: Change, *, mask: bool) -> Iterator[str]:
    from syncflow.runtime.desk.replay import differences

    first = ", for the first time" if change.after is not None and change.before is None else ""
    yield f"{change.record.kind} {change.record.id}  {change.route}{first}".rstrip()
    if change.after is None:
        yield f"  nothing to be sent: {change.why}" if not change.dead else f"  a dead letter: {change.why}"
        return
    for entry in differences(change):
        yield f"  {entry.field}: {_arrow(entry, mask=mask)}"


def _arrow(entry: Difference, *, mask: bool) -> str:
    before, after = (_value(side, mask=mask) for side in (entry.before, entry.after))
    return f"{before} → {after}"


def _value(side: tuple[Any] | None, *, mask: bool) -> str:
    if side is None:
        return "(nothing)"
    return HIDDEN if mask and side[0] is not None else json.dumps(side[0], ensure_ascii=False)


def _summary(changes: list[Change], records: int) -> str:
    from syncflow.runtime.desk.replay import differences

    sent = [change for change in changes if change.after is not None]
    new = sum(change.before is None for change in sent)
    same = sum(change.before is not None and not differences(change) for change in sent)
    dead = sum(change.dead for change in changes)
    counts = [
        f"{count:,} {what}"
        for count, what in (
            (len(sent) - new - same, "differently than before"),
            (new, "for the first time"),
            (same, "as before"),
        )
        if count
    ]
    said = f"{_many(records, 'record')}: " + (f"sent {', '.join(counts)}" if counts else "nothing to be sent")
    return said + (f"; {_many(dead, 'dead letter')}" if dead else "")


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _as_json(change: Change, *, mask: bool) -> dict[str, Any]:
    from syncflow.runtime.desk.masking import masked

    hide = masked if mask else lambda value: value
    return {
        "event": change.event,
        "kind": change.record.kind,
        "record": change.record.id,
        "route": change.route,
        "before": hide(change.before),
        "after": hide(change.after),
        "why": change.why,
        "dead": change.dead,
    }
