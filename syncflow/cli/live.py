"""What a person sees of a run while it goes on: a table that renews itself, or a line now and then where there is no terminal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncflow.cli.console import remark
from syncflow.visible import visible

if TYPE_CHECKING:
    from rich.table import Table

    from syncflow.compiler.requests import Window
    from syncflow.runtime.engine import Engine
    from syncflow.runtime.observe import RouteTally, SystemTally, Tally

REDRAW_SECONDS = 0.25
LINE_SECONDS = 5.0


async def showing(engine: Engine) -> None:
    """Show the run until cancelled."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        await _saying(engine)
        return
    from rich.live import Live

    speeds = Speeds()
    with Live(console=console, transient=True, auto_refresh=False) as live:
        while True:
            shown = table(standings(engine.snapshot(), _systems(engine), speeds, now=time.monotonic()))
            if engine.last_reload:
                shown.caption = engine.last_reload.line()
            live.update(shown, refresh=True)
            await asyncio.sleep(REDRAW_SECONDS)


async def logging_progress(engine: Engine) -> None:
    """Log the run's counts now and then until cancelled: for whoever reads logs, not lines."""
    from syncflow.runtime.observe import note

    while True:
        await asyncio.sleep(LINE_SECONDS)
        tally = engine.snapshot()
        note("run.progress", **_counts(tally))


async def _saying(engine: Engine) -> None:
    speeds, last = Speeds(), ""
    while True:
        shown = standings(engine.snapshot(), _systems(engine), speeds, now=time.monotonic())
        text = "\n".join(map(visible, lines(shown)))
        if last and text != last:
            remark(text)
        last = text
        await asyncio.sleep(LINE_SECONDS)


def _systems(engine: Engine) -> dict[str, str]:
    return {route: plan.system for route, plan in engine.program.routes.items()}


@dataclass(frozen=True, slots=True)
class Standing:
    """How one system stands, in a person's words."""

    name: str
    speed: str
    limit: str
    in_flight: int
    waiting: int
    retrying: int
    delivered: int
    dead: int
    trouble: str


@dataclass(frozen=True, slots=True)
class Standings:
    summary: str
    systems: tuple[Standing, ...]


def standings(tally: Tally, systems: Mapping[str, str], speeds: Speeds, *, now: float) -> Standings:
    """Return how a run stands; ``systems`` tells each route's system, ``now`` is monotonic."""
    return Standings(
        summary(tally),
        tuple(
            _standing(
                name, system, [tally.routes[route] for route in tally.routes if systems.get(route) == name], speeds, now
            )
            for name, system in sorted(tally.systems.items())
        ),
    )


def _standing(name: str, system: SystemTally, routes: Sequence[RouteTally], speeds: Speeds, now: float) -> Standing:
    speed = speeds.look(name, system.requests, now)
    return Standing(
        name=name,
        speed="" if speed is None else f"{speed:.1f}",
        limit=", ".join(map(_limit, system.windows)) or "none",
        in_flight=system.in_flight,
        waiting=system.waiting,
        retrying=system.retrying,
        delivered=sum(route.delivered + route.already_done for route in routes),
        dead=sum(route.dead for route in routes),
        trouble=_trouble(system),
    )


def _limit(window: Window) -> str:
    names = {1: "s", 60: "min", 3_600: "h", 86_400: "day"}
    per = names.get(int(window.per_seconds), f"{window.per_seconds:g} s")
    return f"{window.count:,}/{per}" + (f" {window.only}" if window.only else "")


def _trouble(system: SystemTally) -> str:
    if system.stopped:
        return f"stopped: {system.stopped}"
    if system.wait_seconds >= 1:
        return f"waits {system.wait_seconds:.0f} s: {system.wait_by}"
    return f"paused for {system.paused_seconds:.0f} s" if system.paused_seconds > 0 else ""


def lines(shown: Standings) -> Iterator[str]:
    """Yield the run in one line, and a line for each system."""
    yield shown.summary
    for each in shown.systems:
        counts = f"{each.in_flight} in flight  {each.waiting:,} waiting  {each.retrying:,} retrying  {each.dead:,} dead"
        speed = f"{each.speed or '0.0'} requests/s of {each.limit}"
        yield f"  {each.name}: {speed}  {counts}" + (f"  {each.trouble}" if each.trouble else "")


def summary(tally: Tally) -> str:
    """Return a run's counts in one line."""
    return "  ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in _counts(tally).items())


def _counts(tally: Tally) -> dict[str, int]:
    routes = tally.routes.values()
    return {
        "read": tally.read,
        "ignored": tally.ignored,
        "delivered": sum(route.delivered + route.already_done for route in routes),
        "superseded": sum(route.superseded for route in routes),
        "open": tally.open,
        "dead_letters": tally.dead_letters,
    }


@dataclass(slots=True)
class Speeds:
    """Requests per second of each system, over the last few looks."""

    span_seconds: float = 3.0
    _looks: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    def look(self, system: str, requests: int, now: float) -> float | None:
        """Note a count and return the speed; None before there is a second to tell it from."""
        looks = self._looks.setdefault(system, [])
        looks.append((now, requests))
        while len(looks) > 2 and now - looks[1][0] > self.span_seconds:
            looks.pop(0)
        (then, before) = looks[0]
        elapsed = now - then
        return max(0, requests - before) / elapsed if elapsed >= 1.0 else None


def table(shown: Standings) -> Table:
    """Return the run as a table, a row for each system."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    found = Table(box=box.SIMPLE_HEAD, title=shown.summary, title_justify="left", title_style="bold", pad_edge=False)
    found.caption_justify = "left"
    found.add_column("SYSTEM")
    for header in ("REQUESTS/S", "LIMIT", "IN FLIGHT", "WAITING", "RETRYING", "DELIVERED", "DEAD"):
        found.add_column(header, justify="right")
    found.add_column("")
    for each in shown.systems:
        counts = (each.in_flight, each.waiting, each.retrying, each.delivered, each.dead)
        found.add_row(
            each.name, each.speed, each.limit, *(f"{count:,}" for count in counts), escape(visible(each.trouble))
        )
    return found
