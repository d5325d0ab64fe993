"""The gate that every HTTP request passes, tokens and look-ups included. The run loop's limiter stands behind it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class RequestSlot:
    """A request that passed the gate; its sender says how it ended, in one word of ours."""

    ended: str = "failed"
    """``2xx`` to ``5xx``, ``429``, ``broken`` (half an answer), ``no_answer``, ``not_sent``; ``answered`` for what has no status."""
    method: str = ""
    host: str = ""
    """Where it was sent: a host alone, with secrets hidden."""
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    """What the gate wants to be sent along: of which trace the request is."""


class Gate(Protocol):
    """``async with gate.request(group=""): send and read the whole answer``"""

    def request(self, *, group: str = "") -> AbstractAsyncContextManager[RequestSlot | None]:
        """Wait for a slot in every window and in flight; the slot's period runs from leaving it, the time of the answer.

        It gives None where the ends of requests are not counted.
        """
        ...


class OpenGate:
    """Lets everything through at once."""

    def request(self, *, group: str = "") -> AbstractAsyncContextManager[None]:
        from contextlib import nullcontext  # noqa: PLC0415

        return nullcontext()
