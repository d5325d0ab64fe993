"""The gate that every HTTP request passes, tokens and look-ups included. The run loop's limiter stands behind it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Gate(Protocol):
    """``async with gate.request(group=""): send and read the whole answer``"""

    def request(self, *, group: str = "") -> AbstractAsyncContextManager[None]:
        """Wait for a slot in every window and in flight; the slot's period runs from leaving it, the time of the answer."""
        ...


class OpenGate:
    """Lets everything through at once."""

    def request(self, *, group: str = "") -> AbstractAsyncContextManager[None]:
        from contextlib import nullcontext  # noqa: PLC0415

        return nullcontext()
