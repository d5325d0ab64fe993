"""The connections of a server, so bounded that slow or idle ones never shut out good requests.

A head has a deadline that no byte puts off. Past the bound, the oldest connection whose request is not complete is closed
in favour of the new one; only where every connection has a complete request is the new one refused.
"""

from __future__ import annotations

import asyncio
import resource
from typing import Any, Protocol

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from syncflow.sources.webhook.refusals import Requests

_MOST = 1000
_TIMEOUT = (
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 43\r\n\r\n"
    b'{"error":"the head did not arrive in time"}'
)
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"

LARGEST_HEAD_BYTES = 32_768
"""A longer head is refused."""


def most_connections() -> int:
    """Return how many are held at once: no more than a third of the descriptors that the process may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if soft == resource.RLIM_INFINITY else max(8, min(_MOST, soft // 3))


_LINGER_SECONDS = 1.0
"""An answer to a sender that is still sending is lost if the connection is closed at once: the system resets it."""

_MOST_SMALL_PIECES = 2000
_SMALLEST_MEAN_PIECE = 64
"""Bytes; a body of more pieces than that whose mean is smaller is given up."""


class Connection(Protocol):
    """Anything that holds a descriptor."""

    @property
    def has_complete_request(self) -> bool:
        """Whether a whole request has come and is not answered yet."""
        ...

    def let_go(self, answer: bytes = b"", /) -> None:
        """Close it; it has no complete request."""
        ...


class Connections:
    """All connections of one server, oldest first; ``make`` is the server's maker of protocols."""

    def __init__(self, *, most: int, head_seconds: float, requests: Requests) -> None:
        self.most = most
        self.requests = requests
        self.head_seconds = head_seconds
        self.open: dict[Connection, None] = {}

    def make(self, *args: Any, **kwargs: Any) -> BoundedConnection:
        return BoundedConnection(self, *args, **kwargs)

    def admit(self, new: Connection) -> bool:
        """Take a connection, if need be for one that waits; return False where all are at work."""
        if len(self.open) >= self.most:
            waiting = next((each for each in self.open if not each.has_complete_request), None)
            if waiting is None:
                return False
            waiting.let_go()
        self.open[new] = None
        return True

    def close(self) -> None:
        """Let every connection go that has no complete request."""
        for each in [each for each in self.open if not each.has_complete_request]:
            each.let_go()


class _Pieces(h11.Connection):
    """Refuses bodies in tiny pieces: taking a chunk of one byte apart costs as much as one of 64 kB, and its sender six bytes."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, LARGEST_HEAD_BYTES)
        self._count = 0
        self._size = 0

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._count = self._size = 0
        elif isinstance(event, h11.Data):
            self._count += 1
            self._size += len(event.data)
            if self._count > _MOST_SMALL_PIECES and self._size < self._count * _SMALLEST_MEAN_PIECE:
                raise h11.RemoteProtocolError("the body comes in too small pieces")
        return event


class BoundedConnection(H11Protocol):
    """One connection; from its start, and after each answer, the next head has a deadline."""

    def __init__(self, connections: Connections, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = _Pieces()
        self._all = connections
        self._deadline: asyncio.TimerHandle | None = None
        self.stands_for: Connection | None = None
        """The handshake that holds its place until it is made."""
        self._is_let_go = False

    @property
    def has_head(self) -> bool:
        """Whether a head has come and is not answered yet."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def has_complete_request(self) -> bool:
        """Whether a whole request has come and is not answered yet."""
        return self.has_head and not self.cycle.more_body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the server types it
        super().connection_made(transport)
        if self.stands_for is not None:
            self._all.open.pop(self.stands_for, None)
        if self._all.admit(self):
            self._await_head()
        else:
            self._all.requests["connections"] += 1
            transport.write(_BUSY)
            transport.close()

    def data_received(self, data: bytes) -> None:
        if self._is_let_go or self.transport.is_closing():
            return
        super().data_received(data)
        if self.has_head:
            self._stop_waiting()
        elif self._deadline is None:
            self._await_head()

    def on_response_complete(self) -> None:
        if self._all.open.pop(self, self) is None:
            self._all.open[self] = None  # its wait begins now: behind those that wait for longer
        super().on_response_complete()
        if self._deadline is None and not self.has_head:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._all.open.pop(self, None)
        super().connection_lost(exc)

    def let_go(self, answer: bytes = b"") -> None:
        """Close a connection that has no complete request."""
        self._all.open.pop(self, None)
        self._is_let_go = True
        if answer and self.transport.can_write_eof():
            self.transport.write(answer)
            self.transport.write_eof()
            self.loop.call_later(_LINGER_SECONDS, self.transport.close)
        elif self.stands_for is not None:
            self.transport.abort()  # TLS would wait for a goodbye, and hold the descriptor meanwhile
        else:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        self._all.requests["not_http"] += 1
        super().send_400_response(msg)

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(self._all.head_seconds, self._give_up)

    def _give_up(self) -> None:
        self._all.requests["slow_head"] += 1
        self.let_go(_TIMEOUT)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
