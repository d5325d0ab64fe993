"""A plan as Markdown, for a comment under a pull request: a table, then details that open at a click."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from syncflow.cli.console import counted, say
from syncflow.cli.plan_shown import WORDS, seen_lines, summary
from syncflow.runtime.preview.shown import MARKS, Shown, ShownRoute, ShownStep

if TYPE_CHECKING:
    from syncflow.runtime.preview.steps import Effect

_COLUMNS: tuple[Effect, ...] = ("create", "change", "key_change", "delete", "unchanged", "unknown")
_SPECIAL = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]<>|#"})


def show(shown: Shown) -> None:
    """Print a plan."""
    for line in lines(shown):
        say(line)


def lines(shown: Shown) -> Iterator[str]:
    """Yield the lines of the document."""
    yield f"### Plan of `{shown.project}`: {summary(shown)}"
    yield ""
    more = "" if shown.whole else ", and there are more"
    yield f"{counted(shown.events, 'event')} of {_plain(shown.read)}{more}. Nothing was sent."
    yield ""
    effects = [each for each in _COLUMNS if any(route.counts.effects[each] for route in shown.routes)]
    dead = any(route.counts.dead for route in shown.routes)
    heads = ["route", *(WORDS.get(each, each) for each in effects), *(["dead letters"] if dead else [])]
    yield f"| {' | '.join(heads)} |"
    yield f"|{'|'.join(['---', *['---:'] * (len(heads) - 1)])}|"
    for route in shown.routes:
        numbers = [route.counts.effects[each] for each in effects]
        cells = [f"{number:,}" for number in [*numbers, *([sum(route.counts.dead.values())] if dead else [])]]
        yield f"| {_plain(route.name)} → {_plain(route.system)}/{_plain(route.object)} | {' | '.join(cells)} |"
    yield from _others(shown)
    for route in shown.routes:
        if route.counts.fields or route.steps:
            yield from _details(route)


def _others(shown: Shown) -> Iterator[str]:
    said = [f"{count:,} ignored: {_plain(rule)}" for rule, count in shown.ignored.items()]
    said += [f"{counted(count, 'dead letter')}: {_plain(code)}" for code, count in shown.dead.items()]
    said += [
        f"{_plain(route.name)}: {counted(count, 'dead letter')}: {_plain(code)}"
        for route in shown.routes
        for code, count in route.counts.dead.items()
    ]
    said += [f"**a guard holds {_plain(each.route)}**: {_plain(each.words)}" for each in shown.tripped]
    said += [
        f"{_plain(route.name)}: {_plain(line)}"
        for route in shown.routes
        if route.seen
        for line in seen_lines(route.seen)
    ]
    said += [_plain(note) for note in shown.notes]
    if said:
        yield ""
        yield from (f"- {each}" for each in said)


def _details(route: ShownRoute) -> Iterator[str]:
    yield ""
    yield f"<details><summary>{_plain(route.name)}</summary>"
    yield ""
    if route.counts.fields:
        named = ", ".join(f"{_plain(name)} {count:,}" for name, count in route.counts.fields.most_common())
        yield f"Fields that change: {named}"
        yield ""
    for step in route.steps:
        yield f"- `{MARKS[step.effect]}` {_plain(step.kind)} {_plain(step.record)}{_fields(step)}"
    more = route.counts.changes - len(route.steps)
    if route.steps and more > 0:
        yield f"- … and {more:,} more"
    yield ""
    yield "</details>"


def _fields(step: ShownStep) -> str:
    return f": {', '.join(_plain(each.name) for each in step.fields)}" if step.fields else ""


def _plain(text: str) -> str:
    """Return a text without what Markdown or HTML would read in it."""
    return " ".join(text.split()).translate(_SPECIAL)
