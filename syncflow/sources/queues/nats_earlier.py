"""What was handed out before and not acknowledged, and what comes after it."""

from __future__ import annotations

import contextlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import nats.errors
from nats.aio.client import Client

from syncflow.sources.queues.base import Message
from syncflow.sources.queues.nats_messages import is_repeated


@dataclass(slots=True)
class Left:
    """What clients of this process had when their connections were lost."""

    handed: list[str] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    """What was acknowledged, perhaps without being heard."""

    async def return_by(self, client: Client) -> None:
        """Acknowledge again what was, and give back the rest in its order."""
        for handle in self.settled:
            await client.publish(handle, b"+ACK")
        for handle in self.handed:
            await client.publish(handle, b"-NAK")
        if self.settled:
            # The answer says that what was sent before is done; there is none where the message has gone.
            with contextlib.suppress(nats.errors.TimeoutError, nats.errors.NoRespondersError):
                await client.request(self.settled[-1], b"+ACK", timeout=2)
        await client.flush(timeout=5)
        self.settled.clear()
        self.handed.clear()


class EarlierFirst:
    """Messages in the order in which they are to be read: those of before, then the others."""

    def __init__(self) -> None:
        self.ready: deque[Message] = deque()
        self.later: list[Message] = []
        """New ones, held back."""
        self.missing = 0
        """How many of before are still to come."""
        self.until = 0.0
        """When those of before are all due."""
        self._up_to = 0

    def wait_for(self, count: int, *, up_to: int, until: float) -> None:
        """``count`` messages come first that were handed out before, if they come at all; their numbers are about ``up_to`` at most."""
        self.missing, self._up_to, self.until = count, up_to, until

    @property
    def is_waiting(self) -> bool:
        return self.missing > 0

    @property
    def handles(self) -> list[Any]:
        return [message.handle for message in (*self.ready, *self.later)]

    def add(self, message: Message, *, now: float) -> None:
        if not self.is_waiting:
            self.ready.append(message)
        elif is_repeated(message.handle) or _number(message) <= self._up_to:
            self.ready.append(message)
            self.missing -= 1
            if not self.missing:
                self._release()
        else:
            self.later.append(message)
            self.nothing_came(now=now)

    def nothing_came(self, *, now: float) -> None:
        """None of before was to be had: once they are due, there are none, for those that are due come before new ones."""
        if self.is_waiting and now >= self.until:
            self.missing = 0
            self._release()

    def _release(self) -> None:
        self.ready.extend(self.later)
        self.later.clear()

    def take(self, most: int) -> list[Message]:
        return [self.ready.popleft() for _ in range(min(most, len(self.ready)))]


def _number(message: Message) -> int:
    number = message.meta["sequence"] if message.meta is not None else 0
    return number if isinstance(number, int) else 0
