"""Waiting that holds on any machine: for a condition, with a limit that only a hang reaches.

A test waits for what has to come, never for a time in which it should have come: beside ten busy processes everything takes ten times
as long. ``tests/test_patience.py`` holds that no shorter limit is written in a test.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Final

PATIENCE: Final = 600.0 + int(os.environ.get("KILLS", "0")) * 20 + int(os.environ.get("EVENTS", "0")) / 50
"""Seconds after which a test gives up; more where it is asked for more kills and events."""


def until(
    condition: Callable[[], object], *, seconds: float = PATIENCE, otherwise: str = "it did not come to that"
) -> None:
    """Return as soon as a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)


async def eventually(
    condition: Callable[[], object], *, every: float = 0.02, otherwise: str = "it did not come to that"
) -> None:
    """Return as soon as a condition holds, and let other tasks of the loop run meanwhile."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, otherwise
        await asyncio.sleep(every)
