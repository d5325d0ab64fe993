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
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    failed = next((end for end in ended if isinstance(end, BaseException) and not _is_cancelled(end)), None)
    if failed is not None:
        raise failed


def _is_cancelled(end: BaseException) -> bool:
    return isinstance(end, asyncio.CancelledError)
