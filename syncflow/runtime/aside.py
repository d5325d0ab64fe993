"""Pure work on a very large chunk (one body taken apart into tens of thousands of events) is done in a thread.

It is no faster there, but the loop has its turns: other senders are answered, requests under way are not given up. Chunks of ordinary
size stay on the loop, where a hand-over would cost more than it gives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LARGE = 5_000
"""Events; some tenths of a second of work for each stage."""


async def aside(size: int, work: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
    """Return the result of ``work``, which must not touch values that the loop changes meanwhile."""
    return work(*args, **more) if size <= LARGE else await asyncio.to_thread(work, *args, **more)
