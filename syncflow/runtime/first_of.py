"""Wait for whichever comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def first_of(*waits: Coroutine[Any, Any, object] | None) -> None:
    """Return when the first of these returns; the others are cancelled and have ended. ``None`` is nothing to wait for.

    Raises:
        Exception: that of the first wait, in their order, that failed, also where another one returned or while it was cancelled.
    """
    tasks = [asyncio.create_task(wait) for wait in waits if wait is not None]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        left = [task for task in tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.gather(*left, return_exceptions=True)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
