"""What a person sees of a run while it goes on: a table that renews itself, or a line now and then where there is no terminal."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncflow.cli.console import remark

if TYPE_CHECKING:
    from rich.table import Table

    from syncflow.runtime.engine import Engine
    from syncflow.runtime.observe import Tally

REDRAW_SECONDS = 0.25
LINE_SECONDS = 5.0


async def showing(engine: Engine) -> None:
    """Show the run until cancelled."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        await _lines(engine)
        return
    from rich.live import Live

    speeds = Speeds()
    with Live(console=console, transient=True, auto_refresh=False) as live:
        while True:
            tally = engine.snapshot()
            live.update(_table(engine, tally, speeds), refresh=True)
            await asyncio.sleep(REDRAW_SECONDS)


async def _lines(engine: Engine) -> None:
    last = ""
    while True:
        await asyncio.sleep(LINE_SECONDS)
        line = summary(engine.snapshot())
        if line != last:
            remark(line)
        last = line


def summary(tally: Tally) -> str:
    """Return a run's counts in one line."""
    routes = tally.routes.values()
    done = sum(route.delivered + route.already_done for route in routes)
    superseded = sum(route.superseded for route in routes)
    return (
        f"read {tally.read:,}  ignored {tally.ignored:,}  delivered {done:,}  superseded {superseded:,}  open {tally.open:,}  "
        f"dead letters {tally.dead_letters:,}"
    )


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
        return (requests - before) / elapsed if elapsed >= 1.0 else None


def _table(engine: Engine, tally: Tally, speeds: Speeds) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=summary(tally), title_justify="left", title_style="bold", pad_edge=False)
    table.add_column("SYSTEM")
    for header in ("REQUESTS/S", "LIMIT", "IN FLIGHT", "WAITING", "RETRYING", "DELIVERED", "DEAD"):
        table.add_column(header, justify="right")
    table.add_column("")
    for name, system in sorted(tally.systems.items()):
        routes = [
            tally.routes[route]
            for route, plan in engine.program.routes.items()
            if plan.system == name and route in tally.routes
        ]
        table.add_row(
            name,
            _speed(speeds.look(name, system.requests, time.monotonic())),
            system.limit,
            f"{system.in_flight:,}",
            f"{system.waiting:,}",
            f"{system.retrying:,}",
            f"{sum(route.delivered + route.already_done for route in routes):,}",
            f"{sum(route.dead for route in routes):,}",
            _standing(system.stopped, system.paused_seconds),
        )
    return table


def _speed(per_second: float | None) -> str:
    return "" if per_second is None else f"{per_second:.1f}"


def _standing(stopped: str, paused_seconds: float) -> str:
    if stopped:
        return f"stopped: {stopped}"
    return f"paused for {paused_seconds:.0f} s" if paused_seconds > 0 else ""
