"""Calls of a library that blocks, each in a thread of its own: one that waits holds up no other, and not the end of the process."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


async def in_thread(call: Callable[[], Value]) -> Value:
    """Run a call and return what it returns. It cannot be ended: where it is waited for no more, what it comes to is dropped."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Value] = loop.create_future()

    def tell(value: Value | None, error: BaseException | None) -> None:
        if ended.done():
            return
        if error is not None:
            ended.set_exception(error)
        else:
            ended.set_result(value)  # type: ignore[arg-type]  # it is a value where there is no error

    def work() -> None:
        value, error = None, None
        try:
            value = call()
        except BaseException as failed:  # noqa: BLE001  # raised where it is awaited
            error = failed
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, value, error)

    threading.Thread(target=work, name="syncflow-queue", daemon=True).start()
    return await ended
