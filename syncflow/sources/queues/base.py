"""What is asked of the client of a broker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from syncflow.events import Item
from syncflow.sources.base import Finding, Lag


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    body: bytes
    handle: Any
    """What the broker needs in order to settle it."""
    id: str = ""
    """What its sender calls it, the same whenever it is handed out again; empty where it gave none."""
    meta: Item | None = None
    """What came beside the body: headers, key, times."""
    broken: str = ""
    """Why it cannot be read, without a value of it; empty where it can."""


class Broker(Protocol):
    """One queue of a broker, seen by one client. Every method is called from one task at a time, ``receive`` beside the others.

    Each raises UnavailableError where the connection is lost or the server does not answer, and ProjectError where a person must mend
    something (a wrong password, no such queue, no right). The words hold no address, no secret and no data.

    One that has something to say beyond errors is ``Reporting`` too, as a source is.
    """

    name: str
    """The partition: what is read, without an address (``rabbitmq:contacts``)."""
    hold_seconds: float | None
    """How often the broker must be told that messages are still worked on, so that it hands them to no one else; None: never."""

    async def open(self) -> None:
        """Connect, and find out that there is a queue which may be read."""
        ...

    async def receive(self, *, most: int) -> Sequence[Message]:
        """Wait for at least one message, return at most ``most``. May be cancelled: what was received then comes again."""
        ...

    async def settle(self, handles: Sequence[Any]) -> None:
        """The messages are in the journal: the broker may forget them. One that it knows no more is no error."""
        ...

    async def hold(self, handles: Sequence[Any]) -> None:
        """These messages are still worked on, and so are those that this client has received and not returned yet.

        ``handles`` may be empty. One that the broker knows no more is no error.
        """
        ...

    async def backlog(self) -> Lag | None:
        """Return how much waits over there; None where that cannot be asked."""
        ...

    async def check(self) -> list[Finding]:
        """Look at the queue without reading or changing anything; opens and closes a connection of its own."""
        ...

    async def peek(self, *, most: int) -> Sequence[Message]:
        """Return the first messages, after ``open``, without taking any away from those who read the queue; empty: there is none.

        Raises:
            ProjectError: this kind of broker cannot do that.
        """
        ...

    async def close(self, handed: Sequence[Any]) -> None:
        """Disconnect; ``handed`` are not settled and go to the next reader, at once where the broker can do that.

        Raises nothing, may be called twice, and after an ``open`` that failed.
        """
        ...


@runtime_checkable
class Starting(Protocol):
    """A broker that has something to do before the first ``receive``, which a look at its messages does without."""

    async def start(self) -> None:
        """Prepare to receive; called once, after ``open``. Raises what ``open`` does."""
        ...
