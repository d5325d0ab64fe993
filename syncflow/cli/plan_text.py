"""A plan as text for a terminal or a pipe, in 80 columns."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

import typer

from syncflow.cli.console import counted, say
from syncflow.cli.plan_shown import WORDS, seen_lines, summary
from syncflow.runtime.preview.shown import MARKS, Shown, ShownField, ShownRoute, ShownStep
from syncflow.visible import visible

_WIDTH = 80
_MOST_FIELDS = 12
_LONGEST = 40
_COLORS = {"+": typer.colors.GREEN, "~": typer.colors.YELLOW, "-": typer.colors.RED, "?": typer.colors.MAGENTA}


def show(shown: Shown) -> None:
    """Print a plan."""
    read = f"{counted(shown.events, 'event')} of {shown.read}"
    say(f"plan of {shown.project}: {read}{'' if shown.whole else ', and there are more (--all)'}")
    for note in shown.notes:
        _wrapped(f"note: {note}", "  ")
    for route in shown.routes:
        say()
        _show_route(route)
    rest = list(_rest(shown))
    if rest:
        say()
        for line in rest:
            _wrapped(line, "  ")
    for guard in shown.tripped:
        say()
        _wrapped(f"! a guard holds the route {guard.route}: {guard.words}", "  ")
    if shown.tripped:
        say("  a run would send nothing of it; `syncflow run --ignore-guards` sends it")
    say()
    say(f"{summary(shown)}; nothing was sent")


def _show_route(route: ShownRoute) -> None:
    say(f"{route.name} → {route.system}/{route.object}")
    counts = route.counts
    parts = [
        (MARKS[effect], f"{counts.effects[effect]:,} {WORDS[effect]}") for effect in MARKS if counts.effects[effect]
    ]
    if counts.effects["unchanged"]:
        parts.append(("=", f"{counts.effects['unchanged']:,} unchanged"))
    if counts.dead:
        parts.append(("!", counted(sum(counts.dead.values()), "dead letter")))
    _paint("  " + "   ".join(f"{mark} {words}" for mark, words in parts) if parts else "  nothing to do")
    if counts.fields:
        _wrapped(f"fields: {_fields(route)}", "    ")
    for line in _details(route):
        _wrapped(line, "    ")
    for line in () if route.seen is None else seen_lines(route.seen):
        _wrapped(line, "    ")
    for step in route.steps:
        _show_step(step)
    more = counts.changes - len(route.steps)
    if route.steps and more > 0:
        say(f"    … and {more:,} more (--list)")


def _fields(route: ShownRoute) -> str:
    found = route.counts.fields.most_common()
    named = ", ".join(f"{name} {count:,}" for name, count in found[:_MOST_FIELDS])
    return named + (f", and {len(found) - _MOST_FIELDS} more" if len(found) > _MOST_FIELDS else "")


def _details(route: ShownRoute) -> Iterator[str]:
    counts = route.counts
    if counts.dead:
        yield "dead letters: " + ", ".join(f"{code} {count:,}" for code, count in counts.dead.most_common())
    if counts.sent_unchanged:
        yield f"{counts.sent_unchanged:,} of the unchanged are sent again; `send: changed` would leave them out"
    if counts.carried:
        yield f"{counts.carried:,} of these wait in the journal already"
    if counts.effects["gone"]:
        yield f"{counts.effects['gone']:,} deletes of what is not there"
    if counts.effects["overtaken"]:
        yield f"{counts.effects['overtaken']:,} older than what was sent before"
    if counts.ignored:
        yield f"{counts.ignored:,} ignored: the route does not send this operation"
    if counts.kept:
        yield f"{counted(counts.kept, 'record')} left the route and stayed there (on_leave: keep)"


def _show_step(step: ShownStep) -> None:
    mark = MARKS[step.effect]
    head = f"    {mark} {step.kind} {step.record}"
    if step.effect in {"create", "key_change", "delete"}:
        head += f"  {step.key}"
    if not step.fields:
        return _paint(head)
    if any(each.old or each.new for each in step.fields):
        _paint(head)
        width = max(len(each.name) for each in step.fields)
        for each in step.fields:
            say(f"        {each.name:<{width}}  {_arrow(each, is_new=step.effect == 'create')}")
        return None
    _paint(f"{head}  {', '.join(each.name for each in step.fields)}")
    return None


def _arrow(each: ShownField, *, is_new: bool) -> str:
    new = _value(each.new[0]) if each.new else "(left out)"
    if is_new:
        return new
    return f"{_value(each.old[0]) if each.old else '(not known)'} → {new}"


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _rest(shown: Shown) -> Iterator[str]:
    for rule, count in shown.ignored.items():
        yield f"{count:,} ignored: {rule}"
    if shown.duplicates:
        yield f"{shown.duplicates:,} read before (their event id is known)"
    for code, count in shown.dead.items():
        yield f"! {counted(count, 'dead letter')}: {code}"
    if shown.others:
        yield f"{shown.others:,} changes of other routes are not shown (--route)"


def _wrapped(text: str, indent: str) -> None:
    for line in textwrap.wrap(
        visible(text), _WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False
    ):
        say(line)


def _paint(line: str) -> None:
    """Print a line in the color of its mark; a pipe gets no colors."""
    mark = line.strip()[:1]
    alone = "   " not in line.strip()
    color = _COLORS.get(mark) if alone else None
    typer.secho(visible(line), fg=color)
