"""How a run ended, for a person: a table per route, what is left, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from syncflow.cli.console import moment, say, say_table
from syncflow.runtime.observe import ANSWERED

if TYPE_CHECKING:
    from syncflow.runtime.ending import Ending
    from syncflow.runtime.observe import RouteTally, SystemTally, Tally
    from syncflow.sources.base import Report

COUNTS = ("read", "ignored", "delivered", "already_done", "superseded", "unchanged", "dead", "retried")


def report(ending: Ending, *, systems: Mapping[str, str]) -> None:
    """Print the end of a run; ``systems`` tells each route's system."""
    tally = ending.tally
    say(
        f"{_many(tally.read, 'event')} read: {tally.routed:,} routed, {tally.ignored:,} ignored, "
        + _many(tally.dead, "dead letter")
        + (f", {tally.duplicate:,} repeated" if tally.duplicate else "")
        + (
            f"; {_many(tally.carried_over, 'delivery', 'deliveries')} left by earlier runs"
            if tally.carried_over
            else ""
        )
        + (f"; {tally.redriven:,} sent again on request (redrive, replay)" if tally.redriven else "")
    )
    if tally.routes:
        say()
        _routes(tally, systems)
    say()
    for line in _closing(ending):
        say(line)


def _routes(tally: Tally, systems: Mapping[str, str]) -> None:
    headers = ("ROUTE", *(count.replace("_", " ").upper() for count in COUNTS), "REFUSED FOR RATE", "P50", "P95")
    rows = [
        (
            name,
            *(f"{getattr(route, count):,}" for count in COUNTS),
            _refused(tally, systems.get(name, "")),
            *_latencies(route),
        )
        for name, route in sorted(tally.routes.items())
    ]
    say_table(headers, rows, numbers=frozenset(headers[1:]))


def _refused(tally: Tally, system: str) -> str:
    return f"{tally.systems[system].refused_for_rate:,}" if system in tally.systems else ""


def _latencies(route: RouteTally) -> tuple[str, str]:
    return _seconds(route.latencies.percentile(0.5)), _seconds(route.latencies.percentile(0.95))


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def _closing(ending: Ending) -> list[str]:
    tally = ending.tally
    lines = [*_of_routes(tally)]
    lines += _guarded(tally.held)
    lines += [f"the system was stopped: {why}" for why in ending.systems_stopped]
    lines += [
        f"{name}: {system.paused}; what is open waits in the journal for `syncflow resume`"
        for name, system in sorted(tally.systems.items())
        if system.paused
    ]
    lines += [f"{name} cannot be reached: {system.unreachable}" for name, system in _unreachable(tally)]
    lines += [
        f"{name} waits until {moment(system.waits_until)}: {system.wait_by}"
        for name, system in sorted(tally.systems.items())
        if tally.open and system.waiting + system.retrying and system.wait_seconds >= 1
    ]
    if ending.stopped:
        lines.append(f"ended early: {ending.stopped}")
    if tally.open:
        lines.append(
            f"{_many(tally.open, 'delivery', 'deliveries')} left in the journal; the next run goes on with them"
        )
    if tally.withheld:
        lines.append(
            f"{_many(tally.withheld, 'delivery', 'deliveries')} of other routes wait in the journal (--route); a run without it sends them"
        )
    if tally.set_aside:
        lines.append(
            f"{_many(tally.set_aside, 'redrive or replay', 'redrives or replays')} set aside; `syncflow status` says why"
        )
    lines += [_told(report) for report in tally.source_reports]
    if refused := {name: count for name, count in tally.source_requests.items() if name not in ANSWERED}:
        counts = ", ".join(f"{name} {count:,}" for name, count in sorted(refused.items()))
        lines.append(f"{_many(sum(refused.values()), 'request')} to the webhook refused: {counts}")
    if tally.dead_letters:
        lines.append(f"{_many(tally.dead_letters, 'dead letter')}; `syncflow dlq list` says why")
    if not tally.accounted:
        lines.append("not every event that was read is accounted for; the journal has them all, the next run goes on")
    if ending.stopped and tally.accounted and not tally.open:
        dead = f", {_many(tally.dead_letters, 'dead letter')} included" if tally.dead_letters else ""
        lines.append(f"everything that was read is accounted for{dead}")
    if ending.clean:
        lines.append("everything is accounted for, nothing is left")
    return lines


def _of_routes(tally: Tally) -> Iterator[str]:
    kept, adopted = (sum(getattr(route, name) for route in tally.routes.values()) for name in ("kept", "adopted"))
    if kept:
        yield f"{_many(kept, 'change')} of route left a record where it was (on_leave: keep)"
    if adopted:
        yield f"{_many(adopted, 'record')} had been there already, and {'was' if adopted == 1 else 'were'} adopted"
    for name, route in sorted(tally.routes.items()):
        if route.unreadable:
            counts = ", ".join(f"{field} {count:,}" for field, count in sorted(route.unreadable.items()))
            yield f"values that could not be read ({name}): {counts}; `syncflow explain` names them for an event"


def _guarded(held: Mapping[str, str]) -> list[str]:
    if not held:
        return []
    return [
        *(f"a guard held the route {name}, which sent nothing: {words}" for name, words in held.items()),
        "  look at what it would have sent: syncflow dlq list --code guarded",
        "  send it all the same: syncflow dlq redrive --code guarded, then syncflow run --ignore-guards",
        "  or never: syncflow dlq drop --code guarded; `guard:` of the route says how much is allowed",
    ]


def _told(report: Report) -> str:
    return report.words if report.bytes is None else f"{report.words} ({_many(report.bytes, 'byte')})"


def _unreachable(tally: Tally) -> list[tuple[str, SystemTally]]:
    return sorted((name, system) for name, system in tally.systems.items() if tally.open and system.unreachable)


def _many(count: int, noun: str, plural: str = "") -> str:
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
