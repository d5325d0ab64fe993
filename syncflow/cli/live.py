"""What a person sees of a run while it goes on: a table that renews itself, or a line now and then where there is no terminal."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from syncflow.cli.console import remark
from syncflow.cli.live_table import live_lines
from syncflow.cli.standings import Speeds, counts, lines, standings
from syncflow.visible import visible

if TYPE_CHECKING:
    from syncflow.runtime.engine import Engine

REDRAW_SECONDS = 0.25
LINE_SECONDS = 5.0
FIRST_LINE_SECONDS = 1.5
"""Early: a run that prints nothing looks as if it hung."""


async def showing(engine: Engine) -> None:
    """Show the run until cancelled."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        await _saying(engine)
        return
    from rich.live import Live
    from rich.text import Text

    speeds = Speeds()
    with Live(console=console, transient=True, auto_refresh=False) as live:
        while True:
            shown = standings(engine.snapshot(), _systems(engine), speeds, now=time.monotonic())
            found = "\n".join(live_lines(shown, width=console.width))
            if engine.last_reload:
                found += f"\n\n{visible(engine.last_reload.line())}"
            live.update(Text(found), refresh=True)
            await asyncio.sleep(REDRAW_SECONDS)


async def logging_progress(engine: Engine) -> None:
    """Log the run's counts now and then until cancelled: for readers of logs."""
    from syncflow.runtime.observe import note

    while True:
        await asyncio.sleep(LINE_SECONDS)
        tally = engine.snapshot()
        note("run.progress", **counts(tally))


async def _saying(engine: Engine) -> None:
    speeds, last, seconds = Speeds(), "", FIRST_LINE_SECONDS
    standings(engine.snapshot(), _systems(engine), speeds, now=time.monotonic())
    while True:
        await asyncio.sleep(seconds)
        shown = standings(engine.snapshot(), _systems(engine), speeds, now=time.monotonic())
        text = "\n".join(map(visible, lines(shown)))
        if text != last:
            remark(text)
        last, seconds = text, LINE_SECONDS


def _systems(engine: Engine) -> dict[str, str]:
    return {route: plan.system for route, plan in engine.program.routes.items()}
