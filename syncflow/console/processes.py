"""Processes beside a console: begun in a session of their own, and ended with all that they began."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

_END_SECONDS = 5.0


async def end(process: asyncio.subprocess.Process) -> None:
    """End a process that leads its session, with its children, if it has not ended; safe to repeat."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    # Where a whole loop is being ended, a process that was just begun is never heard of again.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_END_SECONDS):
            await process.wait()
